//! Taking entries of the log into the index: opened on a second thread, inserted on this one.

use std::collections::HashMap;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use super::bits::CHUNK;
use super::fields::Extract;
use super::file;
use super::words::Words;
use crate::args;
use crate::audit::read::Opener;
use crate::kernel::{Clock, Timestamp};
use crate::store::{RawWriteTx, Sql, StoreError};

/// Entries handed over in one go, and how many such pieces are under way.
const PIECE: u64 = 256;
const AHEAD: usize = 4;

/// When a feed has to come to an end.
pub struct Deadline<'a> {
    clock: &'a dyn Clock,
    end: Duration,
}

impl<'a> Deadline<'a> {
    pub fn after(clock: &'a dyn Clock, budget: Duration) -> Self {
        Self { clock, end: clock.monotonic().saturating_add(budget) }
    }

    pub fn is_over(&self) -> bool {
        self.clock.monotonic() >= self.end
    }

    pub fn left(&self) -> Duration {
        self.end.saturating_sub(self.clock.monotonic())
    }
}

pub type Stored = (u64, Timestamp, Vec<u8>);

/// Takes in what follows `after`, up to `head` and the end of a chunk at the most; how far it came.
pub fn run(
    index: &mut RawWriteTx<'_>,
    log: &impl Sql,
    opener: &mut Opener,
    (after, head): (u64, u64),
    deadline: &Deadline<'_>,
) -> Result<u64, StoreError> {
    let chunk = (after + 1) / CHUNK;
    let last = head.min(chunk * CHUNK + CHUNK - 1);
    let is_new = is_unfed(index, chunk)?;
    file::make_part(index, (after + 1) / file::PART)?;
    let mut taking = Taking { index, chunk, through: after };
    let (mut postings, mut words) = (Postings::new(), None);
    if last - after <= PIECE {
        let mut piece = open(opener, read(log, after, last)?)?;
        collect(&mut postings, &mut piece);
        taking.piece(piece)?;
    } else {
        // A chunk that is taken in at once has all its words at hand.
        words = (is_new && last == chunk * CHUNK + CHUNK - 1).then(Words::default);
        let gathered = Gathered { postings: &mut postings, words: &mut words };
        pipeline(&mut taking, log, (opener, gathered), last, deadline)?;
    }
    let (id, through) = (opener.log(), taking.through);
    let index = taking.end(postings, is_new)?;
    let taken = file::Taken { through, hash: hash_of(log, through)? };
    file::set_cursor(index, id, &taken)?;
    if let Some(words) = words.filter(|_| through == last) {
        words.write(index, chunk)?;
    }
    Ok(through)
}

/// Reads a chunk again for its frequent words, which was not taken in at once.
pub fn word(
    index: &mut RawWriteTx<'_>,
    log: &impl Sql,
    opener: &mut Opener,
    chunk: u64,
) -> Result<(), StoreError> {
    let (mut after, last) = ((chunk * CHUNK).saturating_sub(1), chunk * CHUNK + CHUNK - 1);
    let mut words = Words::default();
    while after < last {
        let end = last.min(after + PIECE);
        open(opener, read(log, after, end)?)?.iter().for_each(|entry| words.add(entry));
        after = end;
    }
    words.write(index, chunk)
}

/// While a piece is inserted here, the next ones are opened there.
fn pipeline(
    taking: &mut Taking<'_, '_>,
    log: &impl Sql,
    (opener, gathered): (&mut Opener, Gathered<'_>),
    last: u64,
    deadline: &Deadline<'_>,
) -> Result<(), StoreError> {
    std::thread::scope(|scope| {
        let (closed, to_open) = sync_channel::<Vec<Stored>>(AHEAD);
        let (opened, extracts) = channel();
        scope.spawn(move || {
            for piece in to_open {
                let mut piece = open(opener, piece);
                if let Ok(entries) = &mut piece {
                    if let Some(words) = gathered.words {
                        entries.iter().for_each(|entry| words.add(entry));
                    }
                    collect(gathered.postings, entries);
                }
                if opened.send(piece).is_err() {
                    return; // the inserting side gave up
                }
            }
        });
        let (mut read_through, mut under_way) = (taking.through, 0);
        loop {
            while under_way < AHEAD && read_through < last && !deadline.is_over() {
                let end = last.min(read_through + PIECE);
                if closed.send(read(log, read_through, end)?).is_err() {
                    return Err(StoreError::Panicked);
                }
                (read_through, under_way) = (end, under_way + 1);
            }
            if under_way == 0 {
                return Ok(());
            }
            let piece = extracts.recv().map_err(|_| StoreError::Panicked)??;
            taking.piece(piece)?;
            under_way -= 1;
        }
    })
}

pub fn hash_of(log: &impl Sql, seq: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT hash FROM audit_entries WHERE seq = $1";
    log.query_one(sql, args![seq.cast_signed()], |row| row.get(0))
}

pub fn read(log: &impl Sql, after: u64, through: u64) -> Result<Vec<Stored>, StoreError> {
    let sql = "SELECT seq, time, envelope FROM audit_entries
               WHERE seq > $1 AND seq <= $2 ORDER BY seq";
    log.query(sql, args![after.cast_signed(), through.cast_signed()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

pub fn open(opener: &mut Opener, stored: Vec<Stored>) -> Result<Vec<Extract>, StoreError> {
    let open = |(seq, time, envelope): Stored| {
        let (entry, subjects) = opener.open_naming(seq, time, &envelope)?;
        Ok(Extract::new(&entry, &subjects))
    };
    stored.into_iter().map(open).collect()
}

/// Nothing of this chunk is in the index yet, so that nothing has to be looked for there.
fn is_unfed(index: &impl Sql, chunk: u64) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM postings WHERE chunk = $1 LIMIT 1) AS some";
    Ok(index.count(sql, args![chunk.cast_signed()])? == 0)
}

/// Which entries of a chunk have a key.
type Postings = HashMap<Vec<u8>, Vec<u16>>;

/// What the second thread makes of the entries that it opens: all of them are inserted, or none.
struct Gathered<'a> {
    postings: &'a mut Postings,
    words: &'a mut Option<Words>,
}

fn collect(postings: &mut Postings, entries: &mut [Extract]) {
    for entry in entries {
        let low = (entry.seq % CHUNK) as u16;
        for key in std::mem::take(&mut entry.keys) {
            postings.entry(key).or_default().push(low);
        }
    }
}

/// One transaction's worth.
struct Taking<'a, 'b> {
    index: &'a mut RawWriteTx<'b>,
    chunk: u64,
    through: u64,
}

impl<'a, 'b> Taking<'a, 'b> {
    fn piece(&mut self, piece: Vec<Extract>) -> Result<(), StoreError> {
        for entry in piece {
            file::insert_text(self.index, entry.seq, &entry.text)?;
            self.through = entry.seq;
        }
        Ok(())
    }

    /// Writes the postings in the order of their keys, as the B-tree likes it.
    fn end(self, postings: Postings, is_new: bool) -> Result<&'a mut RawWriteTx<'b>, StoreError> {
        let mut postings: Vec<_> = postings.into_iter().collect();
        postings.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (key, lows) in postings {
            file::append_postings(self.index, self.chunk, &key, &lows, is_new)?;
        }
        Ok(self.index)
    }
}
