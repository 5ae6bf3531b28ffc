### What pages say about how long data is kept, and about legal holds.

tab-retention = Retention
tab-holds = Legal holds
data-retention-title = Retention
data-retention-lead = How long each kind of data is kept. A nightly run deletes what is older, for good; legal holds come first.
retention-preview-button = Preview
retention-run-button = Delete what is due
retention-shorten = Shorten and delete
retention-doubt-title = The clock leapt ahead
retention-doubt-text = Nothing is deleted for a week, since what a wrong clock deletes cannot be given back. Check the clock.
retention-holds = { $count ->
    [one] { $count } legal hold is in force. What it covers is kept, and so is the whole audit log.
   *[other] { $count } legal holds are in force. What they cover is kept, and so is the whole audit log.
}
retention-holds-link = Show them
retention-preview-title = What would be deleted
retention-preview-as-of = As of
retention-backup-until = Gone from the last backup by
retention-key-until = Gone from the last archive of keys by
retention-no-backup = no backups
retention-samples = The oldest of it
retention-off = until somebody deletes it
retention-policies-change = Change how long data is kept
retention-shorter = Data would go sooner than now. What would be deleted by the next run is shown above. To do it, press the button below once more.
retention-runs-title = What was deleted
retention-runs-empty = Nothing was deleted yet
retention-runs-empty-text = Nights in which nothing is due leave no report.
retention-run-title = Retention run
retention-run-running = Running
retention-run-completed = Completed
retention-run-interrupted = Interrupted
retention-csv = Download CSV
retention-json = Download JSON
retention-unfinished = not yet; the next run goes on with it
retention-started = Started
retention-by-schedule = Nightly schedule
retention-resumed = Times taken up again
retention-keys-destroyed = Keys of persons destroyed
retention-keys-waiting = { $count ->
    [one] { $count } more waits for the next run
   *[other] { $count } more wait for the next run
}
hint-retention-days = Days after which it is deleted. Leave it empty to keep it until somebody deletes it.
hint-retention-sign-in = Days after the last use, 7 to 180.

class-closed-conversations = Closed conversations
class-text-closed-conversations = With their messages, counted from when they were closed. A person of whom no conversation is left goes with their key.
class-messages = Messages
class-text-messages = Counted from when they were sent; the conversation stays.
class-files = Files
class-text-files = Nothing of this kind is stored yet.
class-sign-in-records = Sign-in records
class-text-sign-in-records = Devices that people signed in from, reports of single sign-on.
class-audit-log = Audit log
class-text-audit-log = At least two years, by its own rule.
class-backups = Backups
class-text-backups = What is deleted here goes from backups after so long.
class-closed-tenants = Closed tenants
class-text-closed-tenants = From closing until everything is destroyed, keys in backups included.
decided-tenant = Here
decided-audit-log = Settings of the audit log
decided-installation = Settings of the appliance
decided-not-stored = Nothing stored

col-class = Data
col-kept = Kept for
col-decided = Decided in
col-due = Due
col-persons = Persons
col-held = On hold
col-oldest = Oldest
col-newest = Newest
col-deleted = Deleted
col-finished = Finished
col-backup-until = Gone from backups by
col-hold = Reason and scope
col-hold-id = Hold
col-set = Set
col-review = Review
label-reason = Reason

holds-title = Legal holds
holds-lead = What is on hold is not deleted: not by retention, not by hand, not by erasing a person or closing the tenant.
holds-all = Show lifted ones too
holds-in-force = Show those in force
holds-empty = Nothing is on hold
holds-empty-text = Set a hold when a dispute or an authority requires that something is kept.
hold-set = Set a hold
hold-in-force = In force
hold-lifted = Lifted
hold-ended = Its time ended
hold-overdue = Review is due
hold-dates = End and review
hold-lift = Lift the hold
hold-lift-text = What it covers can be deleted again: by the next run of retention, for whatever is past its time.
hold-history = Changes
hold-target-tenant = Tenant
hold-target-data-subject = Person
hold-target-member = Member
hold-target-conversation = Conversation
hold-scope-tenant = Everything of this tenant
hold-scope-data-subject = Person with all conversations
hold-scope-member = Member's account
hold-scope-conversation = One conversation
label-hold-scope = Covers
label-hold-target = Which one
hint-hold-target = The person's reference in your application, the conversation's id, or the member's e-mail address. Empty for the tenant.
hint-hold-reason = The case and who asked for it. It is stored encrypted and stays out of the audit log.
label-hold-ends = Ends on
hint-hold-ends = The night after, the hold is lifted. Without a date, when somebody lifts it.
label-hold-review = Review on
hint-hold-review = When somebody is to look at whether it is still needed.
label-lift-reason = Why it is lifted
error-hold-target = There is no such person, conversation or member.
error-hold-target-needed = Name the person, conversation or member; leave it empty for the tenant.
error-hold-date = Choose a day in the future.
conversation-hold = On hold
conversation-hold-text = A legal hold keeps this conversation from being deleted.

notice-policies-changed = How long data is kept was changed.
notice-retention-begun = What is due is being deleted.
notice-hold-set = The hold is in force.
notice-hold-changed = The hold was changed.
notice-hold-lifted = The hold was lifted.
