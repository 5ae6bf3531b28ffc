# Erasing persons, closing tenants.

nav-privacy = Privacy
tab-erasures = Erasures
erasures-title = Erasures
erasures-lead = Persons whose data was made unreadable, each with a certificate.
erasures-done = What was erased
erasures-none = Nobody was erased so far.
erasure-find = Erase a person
erasure-find-text = You see what is stored about them before anything is done.
erasure-by = Known by
erasure-by-reference = The application’s reference
erasure-by-email = E-mail address
erasure-by-member = Id of a member
erasure-by-subject = Id of their key
erasure-value = Reference, address or id
erasure-value-hint = Exactly as it is stored; an address in upper or lower case.
erasure-value-wrong = Type the reference, the whole address or the id, and choose which of them it is.
erasure-look = Look
erasure-found = Who fits
erasure-found-lead = That you have looked is recorded, without a name.
erasure-nobody = Nobody fits
erasure-nobody-text = Whoever was erased before cannot be found by their reference or address any more.
erasure-again = Look again
erasure-choose = Choose
erasure-who = Who
erasure-data-subject = Person in conversations
erasure-member = Member
erasure-reference = Reference
erasure-goes = Goes
erasure-went = Went
erasure-log = In the audit log
erasure-conversations = { $count ->
    [one] 1 conversation
   *[other] { $count } conversations
}
erasure-messages = { $count ->
    [one] 1 message
   *[other] { $count } messages
}
erasure-of-others = { $count ->
    [one] (1 of them said by somebody else)
   *[other] ({ $count } of them said by others)
}
erasure-entries = { $count ->
    [one] 1 entry loses its name
   *[other] { $count } entries lose their name
}
erasure-not-counted = Not counted: the search index has not come to the end of the log
erasure-searches = Saved searches that go
erasure-held = A legal hold keeps this person’s data. It has to be lifted first.
erasure-begun-already = See the erasure
erasure-warning = Nobody can take this back, not from a backup either. The log stays whole and still proves that nothing was left out.
erasure-reason = Reason
erasure-reason-hint = On whose request or why. It stays in the log: do not name the person.
erasure-button = Erase for good
erasure-title = Erasure
erasure-requested = Requested
erasure-finished = Finished
erasure-running = Under way
erasure-done = Erased
erasure-running-text = This erasure was interrupted and is completed by itself, at the latest during the night.
erasure-keys-until = Backups of the key gone by
erasure-data-until = Backups of the unreadable data gone by
certificate-title = Certificate
certificate-text = Signed by this installation. Keep it with the request; anybody can check it with the public key.
notice-person-erased = The person was erased.

tenant-close = Close
tenant-close-text = Shuts it at once and destroys everything after a time of grace.
close-title = Close { $name }?
close-now = From now on nobody can sign in, no API key works and nothing is sent to other systems.
close-grace = { $count ->
    [0] There is no time of grace: everything is destroyed within minutes.
    [one] For 1 day you can take it back and export its data. Then its keys and files are destroyed.
   *[other] For { $count } days you can take it back and export its data. Then its keys and files are destroyed.
}
close-gone = { $count ->
    [0] Nothing can be brought back after that.
    [one] After 1 day no backup can bring anything back.
   *[other] After { $count } days no backup can bring anything back either.
}
close-reason = Reason
close-reason-hint = Stays in the platform’s log and in the tenant’s.
close-button = Close tenant
closings-title = Closed tenants
closings-lead = What is in its time of grace, and certificates of what was destroyed.
closings-none = No tenant was closed.
closing-closed = Closed
closing-end = End
closing-end-closed = Will be destroyed on
closing-keys-until = Backups of keys gone by
closing-state-closed = In its grace
closing-state-reopened = Taken back
closing-state-destroying = Being destroyed
closing-state-destroyed = Destroyed
grace-days-left = { $count ->
    [0] Is destroyed within minutes
    [one] Is destroyed within a day
   *[other] Is destroyed in { $count } days
}
grace-held = Kept by a legal hold
grace-held-text = Its time of grace is over, but a legal hold is in force. Somebody with a shell on the machine can lift it; then everything is destroyed.
grace-export = Somebody with a shell on the machine can take its data out:
reopen-button = Take it back
reopen-text = It is then as it was before.
notice-tenant-closed = The tenant was closed.
notice-tenant-reopened = The tenant is as it was before.
