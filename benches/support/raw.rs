//! The ceilings: what the parts give without Strongroom around them.

use std::path::Path;
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// Octets of an envelope beside the payload (docs/audit-format.md).
pub const ENVELOPE_OVERHEAD: usize = 1 + 16 + 32 + 12 + 16;
/// Pages in the WAL after which it is copied back; the same as the store's own.
const CHECKPOINT_PAGES: u32 = 1000;

/// A table with the columns of the audit log in a SQLCipher file with the settings of the store.
pub struct RawLog {
    connection: Connection,
    envelope: Vec<u8>,
    hash: [u8; 32],
    next: i64,
}

impl RawLog {
    #[expect(clippy::disallowed_methods, reason = "the ceiling is SQLCipher without the store")]
    pub fn create(path: &Path, payload: usize) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(&format!(
            "PRAGMA cipher_log = off;
             PRAGMA key = \"x'{}'\";
             PRAGMA cipher_page_size = 8192;
             PRAGMA cipher_hmac_algorithm = HMAC_SHA256;
             PRAGMA temp_store = MEMORY;
             PRAGMA journal_mode = WAL;
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
             PRAGMA journal_size_limit = 67108864;
             PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;
             CREATE TABLE audit_entries (
                 seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, envelope BLOB NOT NULL,
                 hash BLOB NOT NULL CHECK (length(hash) = 32));",
            "5a".repeat(32)
        ))?;
        Ok(Self {
            connection,
            envelope: noise(payload + ENVELOPE_OVERHEAD),
            hash: [7; 32],
            next: 1,
        })
    }

    /// Inserts rows in one transaction, durable when it returns.
    pub fn append(&mut self, rows: usize) -> rusqlite::Result<usize> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        {
            let mut insert = self.connection.prepare_cached(
                "INSERT INTO audit_entries (seq, time, envelope, hash) VALUES ($1, $2, $3, $4)",
            )?;
            for _ in 0..rows {
                let time = 1_790_000_000_000_000 + self.next;
                insert.execute((self.next, time, &self.envelope, &self.hash))?;
                self.next += 1;
            }
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(rows)
    }

    /// Fills the table up to so many rows.
    pub fn fill(&mut self, rows: usize) -> rusqlite::Result<()> {
        while self.next as usize <= rows {
            self.append(1000.min(rows + 1 - self.next as usize))?;
        }
        Ok(())
    }

    /// Reads every column of every row; rows a second.
    pub fn scan(&self) -> rusqlite::Result<f64> {
        let start = Instant::now();
        let sql = "SELECT seq, time, envelope, hash FROM audit_entries ORDER BY seq";
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query([])?;
        let (mut count, mut bytes) = (0_usize, 0_usize);
        while let Some(row) = rows.next()? {
            let (seq, time): (i64, i64) = (row.get(0)?, row.get(1)?);
            bytes += row.get_ref(2)?.as_blob()?.len() + row.get_ref(3)?.as_blob()?.len();
            count += usize::from(seq > 0 && time > 0);
        }
        std::hint::black_box(bytes);
        Ok(count as f64 / start.elapsed().as_secs_f64())
    }
}

/// AES-256-GCM over payloads and SHA-256 over the envelopes; events a second.
pub fn crypto(payload: usize, time: Duration) -> f64 {
    let cipher = Aes256Gcm::new(&[7; 32].into());
    let text = noise(payload);
    let mut n = 0_u64;
    super::rate(time, || {
        n += 1;
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&n.to_be_bytes());
        let payload = Payload { msg: &text, aad: &[0; 43] };
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        std::hint::black_box((Sha256::digest(&sealed), Sha256::digest([0; 97])));
        1
    })
}

/// Bytes that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}
