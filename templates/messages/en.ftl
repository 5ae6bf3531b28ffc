### Every string of the console that a person reads, in English.
###
### Arguments: $count is a whole number, written with separators; other arguments are texts. The
### names of roles, actions and other things that have a code are in en-codes.ftl.

product = Strongroom
number = { $count }
optional = (optional)
never = Never
nothing = nothing
you = You
skip = Skip to content
local-time = Your time:
search = Search
clear = Clear
clear-all = Clear all filters
cancel = Cancel
change = Change
continue = Continue
save = Save
copy = Copy
copied = Copied
enable = Enable
disable = Disable
revoke = Revoke
sign-in = Sign in
sign-out = Sign out
request-id = Request id

## Around every page
nav-label = Main
nav-home = Home
nav-conversations = Conversations
nav-members = Members
nav-keys = API keys
nav-audit = Audit log
nav-permissions = Access
nav-admins = Administrators
nav-account = Your account
nav-tenants = Tenants
nav-platform-audit = Platform audit log
nav-jobs = Operations
nav-backups = Backups
scope-platform = Platform
scope-platform-hint = All tenants of this appliance
platform-administrator = Platform admin
footer-version = Strongroom { $version }
footer-utc = All times are UTC.
chain-verified = Log verified
chain-not-verified = Log not verified yet
chain-broken = Log broken
chain-entries = { $count ->
    [one] { $count } entry
   *[other] { $count } entries
}
chain-first-bad = at entry { $count }
pager-label = Pages
pager-newest = Newest
pager-first = First page
pager-next = Next page
pager-newer = Newer
pager-older = Older

## States
tenant-state-active = Active
tenant-state-frozen = Frozen
tenant-state-suspended = Suspended
tenant-state-closed = Closed
conversation-state-open = Open
conversation-state-closed = Closed
member-state-active = Active
member-state-disabled = Disabled
key-state-active = Active
key-state-expired = Expired
key-state-revoked = Revoked
outcome-success = Success
outcome-failure = Failure
outcome-denied = Denied
outcome-error = Error
author-customer = Customer
author-agent = Agent
author-system = System
job-never-run = Not run yet
job-running = Running
job-completed = Completed
job-failed = Failed
job-interrupted = Interrupted
job-cancelled = Cancelled
job-not-set-up = Not set up
stream-current = Up to date
stream-sending = Sending
stream-retrying = Trying again
stream-failing = Failing
stream-paused = Paused
stream-resting = Waits for the tenant
granted = Granted
not-granted = Not granted
person-erased = Erased person
person-unknown = Not given

## Columns
col-action = Action
col-actions = Actions
col-actor = Actor
col-asked = Asked for
col-channel = Channel
col-closed = Closed
col-created = Created
col-device = Device
col-destroyed = Destroyed
col-ends = Ends
col-entries = Entries
col-expires = Expires
col-export = Export
col-field = Field
col-first-seen = First seen
col-format = Format
col-id = Id
col-ip = IP address
col-job = Job
col-keys = Keys
col-lag-entries = Entries to send
col-lag-time = Oldest of them
col-last-activity = Last activity
col-last-delivery = Last delivery
col-last-run = Last run
col-last-seen = Last seen
col-last-sign-in = Last sign-in
col-last-used = Last used
col-messages = Messages
col-new = New
col-next-run = Next run
col-old = Old
col-outcome = Outcome
col-permission = Permission
col-person = Person
col-place = Place
col-published = Published
col-resource = Resource
col-result = Result
col-role = Role
col-schedule = Schedule
col-signed-in-with = Signed in with
col-size = Size
col-started = Signed in
col-state = State
col-subject = Subject
col-time = Time
col-took = Took
col-until = Fetch until
col-uses = Uses

## Labels and hints of forms
label-author = Written by
label-author-name = Author’s name
label-email = E-mail
label-days = Days
label-confirm-slug = Type { $slug } to confirm
label-expires = Expires on
label-first-password = First password
label-key-name = Name
label-message = Message
label-name = Name
label-organisation = Organisation
label-owner-email = Owner’s e-mail
label-owner-name = Owner’s name
label-owner-password = Owner’s password
label-password = Password
label-password-again = Password again
label-password-current = Current password
label-password-new = New password
label-person-id = Person’s id
label-slug = Short name
label-tenant-name = Organisation’s name
label-token = The key
hint-channel = Such as chat, e-mail or phone.
hint-days = { $count } at least: two years. Seven years are 2,557 days.
hint-expires = The key stops working at the start of this day, UTC. Empty: it never expires.
hint-key-name = What will use it, so that you know it again.
hint-key-role = What the key may do. Give it no more than it needs.
label-key-rights = Rights
hint-key-permissions = They count when “Permissions picked below” is chosen above. Those that you do not have yourself are not listed.
label-key-networks = Only from these networks
hint-key-networks = One a line: an address or a network such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32. Empty: from everywhere.
label-key-overlap = The former secret works for
hint-key-overlap = Long enough to give the new one to every server that uses the key.
hint-message = Stored encrypted. Line breaks are kept.
hint-organisation = The short name in your sign-in address.
hint-password = { $count ->
    [one] At least { $count } character.
   *[other] At least { $count } characters. A few random words are easy to remember.
}
hint-person-id = Your application’s own id of the person. Needed for a key of their own.
hint-role = What this person may see and do.
hint-role-change = Counts from the person’s next request on; no need to sign in again.
hint-slug = Stands in addresses: lower-case letters, digits and hyphens.

## What is wrong with a field
error-required = This is needed.
error-too-long = At most { $max } characters.
error-email = This is not an e-mail address. It should look like name@example.com.
error-password-short = Use at least { $min } characters.
error-password-long = Use at most { $max } characters.
error-password-common = This password is on lists of common or breached passwords. Choose another.
error-password-date = Dates and years are easily guessed. Take four random words instead.
error-password-keyboard = Rows of keys are easily guessed. Take four random words instead.
error-password-personal = This is easily guessed from your name, your address or the name of your organisation. Take four random words instead.
error-password-repeats = A password that repeats itself is easily guessed. Take four random words instead.
error-password-sequence = Letters or numbers in order are easily guessed. Take four random words instead.
error-password-words = This is easily guessed: a common word or two with little beside them. Take four random words.
error-passwords-differ = The two passwords are not the same.
error-password-wrong = This is not your current password.
error-code-wrong = This code is wrong or was used already. Wait for the next one.
error-codes-too-many = Too many wrong codes. Try again in 15 minutes.
error-proof-wrong = This is not right. Nothing was changed.
error-proof-passkey = You have a passkey: sign in with it again, then come back here. A password alone does not change second factors.
error-slug-format = Use 2 to 48 lower-case letters, digits and hyphens, with a letter or digit at both ends.
error-slug-taken = Another organisation has this short name.
error-email-taken = Somebody with this e-mail address is here already.
error-person-id = Give the person’s id as well: name and e-mail are sealed under that person’s own key.
error-choice = Choose one of the list.
error-time = This is not a time.
error-days = Type a whole number of days from { $min } to { $max }.
error-confirmation = This is not the short name. Nothing was destroyed.
error-expiry = Choose a day that is still to come.
error-query = At character { $at } of the search: { $problem }.
form-errors = { $count ->
    [one] One field needs another look. Passwords have to be typed again.
   *[other] { $count } fields need another look. Passwords have to be typed again.
}

## Notices after something was done
notice-conversation-created = The conversation was created.
notice-conversation-closed = The conversation was closed.
notice-conversation-reopened = The conversation was reopened.
notice-conversation-deleted = The conversation was deleted.
notice-message-added = The message was added.
notice-member-added = The member was added and can sign in now.
notice-member-role = The role was changed.
notice-member-renamed = The name was changed.
notice-role-created = The role was defined. It can be given to members and API keys now.
notice-role-changed = The role was changed. It counts from the next request of everybody who has it.
notice-role-deleted = The role was deleted.
notice-admin-role = The role was changed.
notice-admin-disabled = The account was disabled and signed out everywhere.
notice-admin-enabled = The person can sign in again.
notice-member-unlinked = The member is not linked to the provider any more. Sessions that stood on it have ended.
notice-member-disabled = The member was disabled and signed out everywhere.
notice-member-enabled = The member can sign in again.
notice-key-revoked = The key was revoked. The next request with it is refused.
notice-witness-added = The witness was added. Its signatures are taken from now on.
notice-witness-removed = The witness was removed. What it signed stays.
notice-checkpoint-witnessed = The witness's signature was checked and stored.
notice-password-changed = Your password was changed. Your other sessions were ended.
notice-password-set = Your password is set. Sign in.
notice-session-ended = The session was ended.
notice-sessions-ended = The sessions were ended. Whoever used them has to sign in again.
notice-device-forgotten = The device was forgotten. The next sign-in there counts as one from a new device.
notice-signed-out = You are signed out.
notice-signed-out-everywhere = You are signed out, here and at your organisation’s sign-in.
notice-signed-out-here = You are signed out here. Your organisation’s sign-in did not say that you are signed out there as well: on a computer that others use, close the browser.
notice-session-expired = Your session has ended. Sign in again to go on.
notice-sign-in-ended = Your sign-in took too long or was ended. Begin again.
notice-set-up-ended = That took too long, or something else was changed meanwhile. Begin again.
notice-second-factor-off = Your authenticator app is turned off. Your other sessions have ended.
notice-member-factors-reset = The member’s second factors are gone, and they are signed out everywhere.
notice-passkey-added = The passkey was added. Your other sessions have ended.
notice-passkey-renamed = The passkey was renamed.
notice-passkey-removed = The passkey was removed. Your other sessions have ended.
notice-passkey-obligatory = This is your only second factor and you must have one. Set up another one before you remove it.
notice-tenant-created = The tenant was created. Its owner can sign in now.
notice-job-started = The job runs now.
notice-job-cancelled = The run ends at its next step.
notice-job-scheduled = The schedule was changed. It counts from now on.
notice-tenant-frozen = The tenant was frozen.
notice-tenant-unfrozen = The tenant was unfrozen.
notice-tenant-suspended = The tenant was suspended.
notice-tenant-resumed = The tenant was resumed.
notice-retention-changed = The retention of the audit log was changed.
notice-index-rebuilt = The search index was dropped and is being built anew.
notice-audit-destroyed = What the audit log said is destroyed. The certificate is below.
notice-search-saved = The search is saved.
notice-search-deleted = The saved search is deleted.
notice-export-started = The export was begun. This page shows how it gets on.
notice-export-cancelled = The export was cancelled and its file deleted.
notice-stream-created = The stream was set up. Send a test message to see whether it gets through.
notice-stream-changed = The stream was changed.
notice-stream-paused = The stream is paused. It keeps its place in the log.
notice-stream-resumed = The stream goes on where it was.
notice-stream-deleted = The stream was removed, with its secrets.
notice-nothing-changed = Nothing had to be changed.

## Before sign-in
landing-title = Sign in to your organisation
landing-lead = Conversations kept encrypted, and a log that proves who touched them.
landing-setup-title = Welcome to Strongroom
landing-setup-text = Nobody can sign in yet. Print the one-time set-up link on the machine itself:
landing-setup-then = Open the link in this browser. It works for 30 minutes and makes the first administrator and the first organisation.
landing-platform = Sign in as platform administrator
sign-in-title = Sign in
sign-in-to = to the organisation
sign-in-other = Another organisation
sign-in-providers = Identity providers
provider-sign-in = Sign in with { $name }
sign-in-or = or
sign-in-only-one = Everybody signs in with { $name } here.
sign-in-only-several = Everybody signs in with an identity provider here.
sign-in-only-none = Everybody signs in with an identity provider here, and none is turned on. Ask an owner of your organisation.
sign-in-emergency = Emergency access
sign-in-emergency-text = Only the emergency account gets in with this form. Its use is recorded, and the other owners are told.
sign-in-emergency-back = Back to single sign-on
find-provider = Continue
find-provider-label = Not sure? Type your work address
find-provider-hint = The part behind the @ says where you sign in.
find-provider-none = None of the identity providers here answers for this address.
to-provider-title = On to your identity provider
to-provider-text = You sign in with { $name }, and come back here afterwards.
to-provider-back = Back to the sign-in page
sign-in-platform-title = Platform sign-in
sign-in-platform-lead = For the people who run this appliance. It gives no access to what tenants store.
sign-in-wrong-title = That did not work.
sign-in-wrong-text = The e-mail address or the password is not right for this organisation.
sign-in-throttled-title = Too many attempts.
sign-in-throttled-text = { $count ->
    [one] Try again in { $count } second.
   *[other] Try again in { $count } seconds.
}
sign-in-unavailable-title = This organisation is not available.
sign-in-unavailable-text = It was suspended or closed. Ask the people who run this appliance.

## First-run wizard
setup-steps = Steps
setup-step-link = One-time link
setup-step-people = People
setup-step-done = Ready
setup-title = Set up Strongroom
setup-lead = Two people to begin with: one who runs the appliance, and the owner of the first organisation on it.
setup-admin-legend = Platform administrator
setup-admin-hint = Creates, freezes and suspends tenants. Cannot read what they store.
setup-tenant-legend = First organisation
setup-tenant-hint = A tenant with its own encrypted files, keys, people and audit log.
setup-submit = Finish set-up
setup-link-expired-title = This link no longer works
setup-link-expired-text = Set-up links work once and for 30 minutes. Print a new one on the machine itself:
setup-link-used-title = Strongroom is set up already
setup-link-used-text = The set-up link was used. If it was not by you, make a new administrator on the machine itself:
setup-done-title = Strongroom is ready
setup-done-lead = { $tenant } has its own encrypted database, its keys and an audit log that holds its first entries.
setup-key-title = Move the root key off this disk
setup-key-text = Whoever copies this disk has the key and what it locks. The key is in
setup-next-title = What to do next
setup-next-sign-in = Sign in as the owner
setup-next-sign-in-text = With { $email } and the password you just chose.
setup-next-key = Create an API key for your application
setup-next-key-text = It can then store conversations and messages. The home page has commands to copy.
setup-next-verify = Look at the audit log and verify it
setup-next-verify-text = Everything done so far is in it, this set-up included.
setup-go = Go to sign-in

## Problems
problem-bad-request-title = This request cannot be understood
problem-bad-request-advice = Go back, look at what was entered and try again.
problem-stale-form-title = This form is too old
problem-stale-form-advice = Nothing was changed. The form was opened in another session. Open it again and send it once more.
problem-forbidden-title = You have no access to this
problem-forbidden-advice = Nothing was shown or changed, and the attempt is in the audit log. If you need access, ask an owner of your organisation.
problem-forbidden-lacks = Your role lacks the permission { $permission }.
problem-not-found-title = There is nothing here
problem-not-found-advice = The address may be mistyped, or what was here was deleted.
problem-removed-title = This entry was removed
problem-removed-advice = Its retention ended. What is left of the log still proves that it was there, and what its hash was.
problem-conflict-title = This cannot be done as things are now
problem-conflict-advice = Nothing was changed. Open the page again to see how things are now.
problem-too-large-title = This is too large
problem-too-large-advice = Nothing was stored. Send less at once.
problem-too-many-title = Too many requests
problem-too-many-advice = Wait a moment, then try again.
problem-frozen-title = This organisation is frozen
problem-frozen-advice = It can be read, and reading is still recorded, but nothing can be changed until the people who run this appliance unfreeze it.
problem-unavailable-title = Not available at the moment
problem-unavailable-advice = Nothing was changed. Try again in a moment. If it stays so, look into the server’s log on the machine.
problem-internal-title = Something went wrong on our side
problem-internal-advice = Nothing was half-written. The request id below finds the cause in the server’s log.
way-home = Start page
way-tenant-home = Home
way-sign-in = Sign in
way-platform-home = Tenants
way-platform-sign-in = Platform sign-in
way-form = Back to the form

## Confirmations
confirm-audited = This will be recorded in the audit log under your name.
confirm-delete-conversation-title = Delete “{ $subject }”?
confirm-delete-conversation-text = The conversation and all its messages are removed for good. The audit log keeps that it existed and who deleted it.
confirm-delete-conversation-button = Delete conversation
confirm-revoke-key-title = Revoke the key “{ $subject }”?
confirm-revoke-key-text = The next request with this key is refused. It cannot be brought back: an application that uses it needs a new key.
confirm-revoke-key-button = Revoke key
confirm-remove-passkey-title = Remove the passkey “{ $subject }”?
confirm-remove-passkey-text = You cannot sign in with it any more, and your other sessions end. Delete it on the device as well, or the device goes on offering it.
confirm-remove-passkey-button = Remove passkey
confirm-remove-witness-title = Remove the witness “{ $subject }”?
confirm-remove-witness-text = Its signatures are not taken any more. Those that it has given stay, and the log must fit them for ever.
confirm-remove-witness-button = Remove witness
confirm-delete-role-title = Delete the role { $subject }?
confirm-delete-role-text = It can be deleted while no member, API key or invitation has it.
confirm-delete-role-button = Delete role
confirm-disable-admin-title = Disable { $subject }?
confirm-disable-admin-text = All sessions and links end at once and no sign-in is possible until the account is enabled again.
confirm-disable-admin-button = Disable account
confirm-reset-factors-title = Take away the second factors of { $subject }?
confirm-reset-factors-text = App, passkeys and recovery codes stop working, and all sessions end at once. Be sure that it is really this person who asks: until they have set up another one, their password is enough.
confirm-reset-factors-button = Take away
factors-reset = Reset second factor
member-link = Link for a new password
member-link-text = For somebody who has forgotten theirs. It is shown once, to be handed over; until it is used, the former password works.
factors-reset-text = For somebody who has lost app and recovery codes.
confirm-reset-admin-title = Take away the password of { $subject }?
confirm-reset-admin-text = All sessions end at once. The next page shows a link, once, with which this person chooses another password.
confirm-reset-admin-button = Make link
confirm-disable-member-title = Disable { $subject }?
confirm-disable-member-text = All sessions end at once and no sign-in is possible until the member is enabled again.
confirm-disable-member-button = Disable member
confirm-end-sessions-title = Sign { $subject } out everywhere?
confirm-end-sessions-text = All sessions and access tokens of this person end at once, on every device. They can sign in again: to keep somebody out, disable them.
confirm-end-sessions-button = End all sessions
confirm-keep-restore-title = Keep what was restored of { $subject }?
confirm-keep-restore-text = The state before, of { $subject }, is deleted for good. What was written until then and is not in the backup cannot be brought back any more.
confirm-keep-restore-button = Keep it, delete the state before
confirm-undo-restore-title = Undo the restore of { $subject }?
confirm-undo-restore-text = The state before comes back, as it was when the restore began. Whatever was written since is deleted for good; only its log is kept.
confirm-undo-restore-button = Undo the restore
restore-named = { $name } on { $at } UTC
confirm-delete-due-title = Delete what is due in { $subject } now?
confirm-delete-due-text = Whatever is past its retention is deleted for good, without waiting for the night. The preview says what that is.
confirm-delete-due-button = Delete it
confirm-freeze-title = Freeze { $subject }?
confirm-freeze-text = Sign-in and reading go on and are still recorded. Every change is refused, in the console and through the API.
confirm-freeze-button = Freeze tenant
confirm-unfreeze-title = Unfreeze { $subject }?
confirm-unfreeze-text = Changes are possible again at once.
confirm-unfreeze-button = Unfreeze tenant
confirm-suspend-title = Suspend { $subject }?
confirm-suspend-text = Nobody can sign in and no API key works until the tenant is resumed. Nothing is deleted.
confirm-suspend-button = Suspend tenant
confirm-resume-title = Resume { $subject }?
confirm-resume-text = People can sign in and keys work again at once.
confirm-resume-button = Resume tenant
confirm-delete-stream-title = Remove the stream { $subject }?
confirm-delete-stream-text = Nothing is sent any more, and its place in the log and its secrets are forgotten. What was sent stays with the receiver.
confirm-delete-stream-button = Remove stream

## Home
home-greeting = Hello, { $name }
home-lead = What is kept here, and what happened last.
home-emergency = Somebody came in past single sign-on with the emergency account. If you do not know why, look at what was done:
home-last-entries = Last entries of the audit log
home-all-entries = Open the audit log
counter-conversations = Open conversations
counter-members = Members
counter-keys = Active API keys
counter-entries = Log entries
first-steps-title = First steps
first-steps-lead = From an empty strongroom to a stored conversation and a verified log, in four steps. The option -k accepts the certificate that Strongroom made for itself: leave it out once you have installed your own.
step-key = Create a key with the role Operator under “API keys”, and put its token here
step-conversation = Create a conversation and keep its id
step-message = Append a message
step-verify = Press “Verify log” in the audit log: it holds all of this, unchanged. Or on the machine itself

## Conversations
conversations-lead = Subjects, persons and messages are stored encrypted. Opening one is recorded.
conversations-search = Search subjects, or a person’s exact id or e-mail
conversations-any-state = Any state
conversations-look-further = Look further back
conversation-erased = Erased conversation
conversations-show-all = Show all conversations
conversations-none-found = No conversation matches
conversations-none-found-text = Try fewer words or another state.
conversations-empty = No conversations yet
conversations-empty-text = Applications create them through the API; you can start one here too.
conversation-new = New conversation
conversation-new-lead = Everything below is encrypted before it reaches the disk.
conversation-legend = Conversation
conversation-create = Create conversation
conversation-close = Close
conversation-reopen = Reopen
conversation-delete = Delete
conversation-facts = Details
person-legend = Whom it is about
person-hint = A named person’s data is sealed under a key of their own, so that it can be erased for good.
first-message-legend = First message
recorded-text = Opening this page was recorded in the audit log:
recorded-link = entry { $count }
transcript-title = Messages
transcript-empty = No messages yet
transcript-empty-text = The first one can be added below or through the API.
transcript-not-allowed = You cannot read these messages
transcript-not-allowed-text = You see that the conversation exists, not what was said. Reading needs the permission
transcript-erased = These messages can no longer be read
transcript-erased-text = The person’s key was destroyed on request. The audit log still proves what happened, without what was said.
message-add = Add message

## Members
members-lead = The people of your organisation and what they may do.
member-add = Add member
members-search = Name or e-mail address
members-any-role = Any role
members-any-factor = With or without second factor
members-none-found = Nobody found
members-none-found-text = Names are encrypted, so a search looks at 5,000 members at a time. A whole e-mail address is found at once.
members-show-all = Show all members
member-facts = Person
member-acts = What can be done
member-rename = Change name
member-role-button = Change role
member-is-you = This is you. Your own role and state are for somebody else to change, so that nobody locks themselves out.
member-is-above = This person may do things that you may not, so you cannot change their account.
member-no-acts = Nothing, with your role.
member-signs-in-with = Signs in with
member-linked-since = since
member-unlink = Unlink from { $provider }
member-unlink-text = For an account there that was made anew. Sessions that stand on it end at once; the next sign-in by the provider is a first one.
member-disable-text = Ends all sessions and tokens at once and refuses every sign-in. Nothing is deleted; the log keeps what the person did.
member-enable-text = The person can sign in again, with the password and second factor they had.
col-second-factor = Second factor
factor-on = Set up
factor-on-text = An authenticator app or a passkey is asked for at sign-in.
factor-off = None
factor-off-text = No second factor is asked of this person here.
factor-missing = Not set up yet
factor-missing-text = One is required. The next sign-in leads into setting it up.

## Roles
roles-lead = What members and applications may do. Built-in roles are the same everywhere; your own are made of single permissions.
role-new = Define a role
role-copy = Copy
role-change = Change role
role-save = Save role
role-delete = Delete
role-own = Your own
role-built-in = Built in
col-role-kind = Kind
col-role-permissions = Permissions
role-members-of = Members with the role { $name }
role-holders = Who has it
role-holders-members = { $count ->
    [0] No member
    [one] One member
   *[other] { $count } members
}
role-holders-keys = { $count ->
    [0] No API key
    [one] One API key
   *[other] { $count } API keys
}
role-permits = { $count ->
    [one] One permission
   *[other] { $count } permissions
}
role-form-lead = A change counts for everybody who has the role from their next request on.
role-form-fixed = Boxes that cannot be changed are what everybody may do about their own account, or what you may not do yourself.
label-role-code = Code
label-role-description = What it is for
hint-role-code = What the API and the command line call it, such as claims-handler. It stays as it is.

## Platform administrators
admins-lead = Who signs in to the platform. Nobody here has a way into a tenant’s data.
admin-add = Add administrator
admin-add-hint = You get a link with which this person chooses a password. It works once, for 30 minutes.
admin-acts = What can be done
admin-reset = New password link
admin-reset-text = Takes away the password and all sessions, and makes a link for choosing another one.
admin-disable-text = Ends all sessions and links at once and refuses every sign-in.
admin-enable-text = The person can sign in again, with the password and second factor they had.
admin-link-title = Link for choosing a password
admin-link-text = Give this link to { $email }, in person or over a channel that you trust.
admin-link-once = It is shown only now, works once and for 30 minutes. Whoever has it chooses the password.
admin-link-label = One-time link
admin-link-back = Done
hint-admin-role = Administrators change things, auditors see everything about the platform, support sees whether tenants and jobs are well.

## API keys
keys-lead = With a key an application works in this organisation, within its role. Only a hash of each is stored.
keys-empty = No keys yet
keys-empty-text = Create one above, and your application can store its first conversation.
key-create = Create key
key-revoke-name = Revoke { $name }
key-pick-permissions = Pick permissions
key-picked = Permissions picked below
key-permissions =
    { $count ->
        [one] { $count } permission
       *[other] { $count } permissions
    }
key-only-from = Only from
key-former-until = Former secret works until { $until }
key-rotate = Rotate
key-rotate-name = Rotate { $name }
key-rotate-title = Give “{ $name }” a new secret
key-rotate-lead = Rights, networks and expiry stay as they are. The new secret is shown once.
key-rotate-button = Make new secret
key-overlap-none = No time: it stops now
key-overlap-hour = One hour
key-overlap-day = One day
key-overlap-week = One week
key-rotated-title = The new secret
key-rotated-lead = It works from now on. The former one works until { $until }.
error-key-permissions = Pick at least one permission, or choose a role.
error-key-network = Write one address or network a line: 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32.
key-created-title = Your new key
key-created-lead = The key “{ $name }” works from now on.
key-created-back = I have stored it: back to the keys
key-once-title = Copy it now. It is shown this once.
key-once-text = Only a hash is stored, so nobody can show it to you again. Keep it where your application keeps its secrets.
key-try-title = Try it
key-try-text = Put the key into STRONGROOM_KEY, then ask whose it is and what it may do:

## Audit log
tabs-label = Pages of the audit log
tab-entries = Entries
tab-verify = Verification
tab-exports = Exports
tab-witnesses = Witnesses
tab-streams = Streams
tab-settings = Settings
tab-members = Members
tab-invitations = Invitations
tab-sessions = Sessions
tab-permissions = Permissions
tab-roles = Roles
tab-sign-in = Sign-in
tab-approvals = Approvals
tab-account = Account
tab-second-factor = Second factor
tab-passkeys = Passkeys
tab-admins = Administrators
tab-jobs = Jobs
tab-doctor = Health checks
tab-incident = Incident
tab-access = Revoke access
tab-performance = Performance
tab-about = About
tab-platform-settings = Settings
tab-configuration = Configuration
audit-caption = Entries of the audit log, newest first
audit-lead = Who did what, when and from where. Entries are chained: none can be changed or taken away unseen.
audit-search = Search the log
audit-search-example = Words, or action:login.failed actor:"Ada Lovelace" after:-7d
audit-export = Export
audit-range = Time
audit-from = From (UTC)
audit-to = Until (UTC)
audit-chips = What narrows this list
range-hour = Last hour
range-day = 24 hours
range-week = 7 days
range-month = 30 days
range-all = All time
range-custom = From – until
range-apply = Apply
suggest-label = Suggestions
audit-help = How to search
audit-help-examples = Try
audit-help-fields = Fields
audit-help-more = Write words to find them anywhere, field:value for one field, * for any ending, - for what must not be. Terms must all hold; OR and ( ) give a choice.
example-denied = what was refused in the last week
example-logins = failed sign-ins from your own network
example-access = who read conversations, other than operators
example-roles = whose role was changed
example-keys = everything about keys and people
example-text = these words, wherever they stand
saved-searches = { $count ->
    [0] Saved searches
   *[other] Saved searches ({ $count })
}
saved-none = No search has been saved yet.
saved-name = Save this search as
saved-save = Save
saved-delete = Delete
saved-delete-named = Delete the saved search “{ $name }”
saved-hint = Everybody who may read this log sees it. A link to this page works for them too: copy it from the address bar.
chip-range = Last
chip-from = From
chip-to = Until
chip-remove = (remove)
audit-follows = This log began with a restore on
audit-follows-link = Earlier entries are in the logs from before
audit-indexed-through = The search has caught up with the log as far as entry { $count }. Newer entries follow within moments.
found = { $count ->
    [one] { $count } entry
   *[other] { $count } entries
}
found-at-least = at least { $count } entries
timeline-title = When it happened
timeline-bar = { $span }: { $count ->
    [one] { $count } entry
   *[other] { $count } entries
}
timeline-table = As a table
timeline-count = Entries
facets-title = Narrow down
facets-jump = Narrow down
facets-counted-from = Counted from entry { $count } on, the newest part.
facet-action = Action
facet-actor = Actor
facet-outcome = Outcome
facet-type = Kind of resource
facet-role = Role
facet-ip = Address
facet-other = Other
facet-only = Only
facet-without = Leave out
facet-without-named = Leave out { $name }
facet-more = The most frequent ones. Others: search for them.
live-start = Live
live-stop = Stop live view
live-on = Live: new entries appear by themselves.
live-reloading = This page reloads every few seconds.
live-time = The live view ended after ten minutes. Reload the page to go on.
live-rights = The live view ended: your session or your rights have changed.
live-ended = The live view ended. Reload the page to go on.
live-lost = The connection was lost; the page reloads every few seconds.
live-more = More entries came than are shown here. Reload the page to see all of them.
jump-label = Go to entry
jump-go = Go
audit-empty = The log is empty
audit-empty-text = The first act in this organisation will be its first entry.
audit-none-found = No entry matches
audit-none-found-text = Take away a term or widen the time. Names and ids are compared whole: actor:"Ada Lovelace" finds her, actor:Ada* whoever begins so, and the word ada by itself whatever has it in it.
audit-verify = Verify log
verify-lead = Every entry is read from disk and its hash computed again; links, tree, checkpoints and signatures are checked.
verify-never-title = Not verified since the server started
verify-never-text = { $count ->
    [one] The log has { $count } entry. Writing goes on while it is verified.
   *[other] The log has { $count } entries. Writing goes on while it is verified.
}
verify-running-title = Verifying
verify-running-done = { $count ->
    [one] { $count } entry done
   *[other] { $count } entries done
}
verify-running-total = of { $count }.
verify-running-text = It goes on by itself: you can leave this page and come back.
verify-failed-title = The log could not be verified
verify-whole-title = The log is whole
verify-whole-text = Every entry was read from disk and its hash computed again; each links to the one before it, and the tree and its signed checkpoints agree.
verify-broken-title = The log is broken
verify-broken-text = From this entry on, the log is not what was written. Keep a copy of the data directory before anything else, and compare with exported bundles, witnessed checkpoints and backups.
verify-broken-past = The log in use is whole, but one from before a restore is not what was written. Keep a copy of the data directory before anything else, and compare with exported bundles, witnessed checkpoints and backups.
past-title = Logs from before restores
past-lead = A restore that would have lost entries of the log ended it instead, and a new one began. What there was is kept as it was, until its youngest entry is past its retention; verifying checks it too.
past-log = Log
past-began = Oldest entry
past-ended = Ended
past-restore = by restore
past-lost = { $count ->
    [one] 1 more is known and could not be brought back
   *[other] { $count } more are known and could not be brought back
}
past-whole = Whole
past-broken = Broken
past-not-verified = Not verified yet
past-removed = Removed, past its retention
past-export = Export
past-export-named = Export log { $log }
verify-entries = Entries read
verify-checkpoints = Checkpoints checked
verify-took = Took
verify-head = Head hash
verify-first-bad = First bad entry
verify-excluded = That the end was cut off, or the log exchanged for another, is excluded up to entry { $count } by a checkpoint kept outside of it, signed
verify-not-excluded = No checkpoint is known from outside of the log. Witnesses or published checkpoints show that nothing was cut off.
verify-witnessed = Up to entry { $count }, somebody outside has signed what the log said:
verify-not-witnessed = Nobody outside has signed a checkpoint of this log yet.
entry-number = Entry { $count }
entry-around = In the log
entry-neighbours = Neighbouring entries
entry-previous = Previous
entry-next = Next
entry-sentence = “{ $action }” by { $actor }{ $hasResource ->
    [yes] , on { $resource }
   *[no] {""}
}{ $hasAddress ->
    [yes] , from { $address }
   *[no] {""}
}, at { $time } UTC. { $outcome ->
    [success] It succeeded.
    [failure] It did not succeed.
    [denied] It was refused.
   *[error] Something broke.
}
entry-erased = Erased in part
entry-erased-text = A person’s key was destroyed on request: what was personal about them is gone for good. The hashes still prove that the entry was here and was not changed.
entry-destroyed-text = The key of this part of the log was destroyed: nothing of what the entry said can be read any more. The hashes still prove that it was here and was not changed.
entry-what = What happened
entry-occurred = Occurred
entry-user-agent = User agent
entry-reporter = Reported through
entry-by-actor = Everything by this actor
entry-of-kind = All of this kind
entry-on-resource = Everything on this resource
entry-in-request = Everything in this request
entry-from-address = Everything from this address
entry-by-reporter = Everything reported through this key
entry-chain = Place in the chain
entry-chain-text = Hashes are SHA-256 over the sealed bytes, so they stay provable when contents are erased.
entry-changes = Changes
entry-custom = Custom fields
entry-json = The entry as JSON
row-more-changes = { $count ->
    [one] and one more
   *[other] and { $count } more
}
change-added = added
change-removed = removed
change-changed = changed
change-same = the same
value-hidden = kept out of the log
leaf-hash = Hash
leaf-previous-hash = Hash of the entry before
leaf-payload-hash = Payload hash
leaf-log = Log id
leaf-time = Time in microseconds since 1970
proof-title = Proof that it is in the log
proof-text = The entry is in the tree of the first { $count } entries, whose root a checkpoint signs, of
proof-unsigned = The entry is in the tree of the { $count } entries of today. The next checkpoint signs it, within a minute.
proof-no-witness = Nobody outside has signed a checkpoint over this entry yet.
proof-witnesses = Signed by witnesses as well:
proof-path = { $count ->
    [one] { $count } hash from the entry to the root
   *[other] { $count } hashes from the entry to the root
}
proof-root = Root of the tree
proof-how = Check this yourself
proof-how-text = Begin with the entry’s hash. For each hash of the path, compute SHA-256 over the byte 01, the left hash and the right hash; the entry’s number says which side is which (RFC 6962, 2.1.1). What comes out must be the root in the signed checkpoint. docs/audit-format.md describes every byte, and the API gives the proof as JSON under proof/inclusion.

## Witnesses
witnesses-title = Witnesses
witnesses-lead = Somebody outside signs this log's checkpoints. What a witness has signed cannot be told differently any more, not even by whoever has this machine.
witnesses-empty = No witnesses yet
witnesses-empty-text = Let an auditor make a key with “strongroom audit witness keygen”, and add the line that it prints.
witness-state-active = Witness
witness-state-removed = Removed
witness-contradiction-title = This log contradicts a signed checkpoint
witness-contradiction-text = Entries were changed or cut off after they had been signed. Keep the witness's file, verify the log, and find out who had access to this machine.
witness-contradiction-row = Over { $count } entries, found
witness-ask = Request
witness-ask-name = Request for { $name }
witness-remove = Remove
witness-remove-name = Remove { $name }
witness-request-title = What a witness signs
witness-request-for = What { $name } signs next
witness-request-size = A checkpoint over { $count } entries.
witness-request-old = It comes with the proof that the log only grew since { $count } entries, which were signed before.
witness-request-first = It is the first one for this witness.
witness-qr = The request as a QR code
witness-download = Download the request
witness-import = Take back what a witness signed
witness-import-button = Check and store
witness-add = Add a witness
label-witness-note = Signed checkpoint
hint-witness-note = The whole content of the file that the witness wrote.
label-witness-key = Public key
hint-witness-key = The line that “strongroom audit witness keygen” printed.
hint-witness-name = Whom people know it as.
col-witnessed = Signed up to
col-witnessed-on = Signed on
## Audit log settings
audit-settings = Audit log settings
audit-settings-lead = How long entries are kept, and the end of what they say.
retention-title = Retention
retention-text = A nightly run removes entries that are older than this, up to a signed checkpoint. What is left stays provable, and so does that the others were there.
retention-kept = Entries are kept for
retention-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
retention-years = (about { $years } years)
retention-oldest = Oldest entry
retention-removed = Removed so far
retention-removed-through = entries 1 to { $count }
retention-next = Removed next
retention-due = { $count ->
    [one] { $count } entry, in the next run
   *[other] { $count } entries, in the next run
}
retention-not-before = nothing before
retention-change = Change the retention
retention-confirm = { $count ->
    [one] With this setting the next run removes { $count } entry for good. Save once more to go on.
   *[other] With this setting the next run removes { $count } entries for good. Save once more to go on.
}
reindex-title = Search index
reindex-text = The index is made from the log and can be made again at any time. Searches go on meanwhile and say how far they have come.
reindex-button = Build the index anew
destroy-title = Destroy what the log says
destroy-text = The keys to all entries so far are destroyed, and the search index with them: nobody can read the entries again. They stay where they are, and the log still proves that none was changed or left out. New entries are readable. A signed certificate goes into this log and the platform’s. Copies of the key store that were made before still open copies of the log: destroy those too.
destroy-button = Destroy the contents
certificates-title = Certificates of destruction
certificate-download = Certificate

## Exports of the audit log
exports-title = Exports
exports-all = All exports
exports-lead = Large exports are written to an encrypted file first and can be fetched for 24 hours. Up to 10,000 entries are sent at once.
exports-to-log = Audit log
exports-empty = No exports
exports-empty-text = Exports of more than 10,000 entries appear here while they are written, and until they expire.
export-new = New export
export-new-lead = Entries come oldest first. Up to 10,000 are sent at once; more are written to a file that you fetch when it is ready.
export-button = Export
export-recorded = Who exported what is recorded in the audit log before the first byte leaves.
export-everything = Everything
export-mine = by you
export-progress = Progress of the export
export-download = Download
export-discard = Delete
export-waiting = Waiting
export-writing = Being written
export-ready = Ready
export-cancelled = Cancelled
export-failed = Failed
export-interrupted = Interrupted by a restart
export-expired = Expired
export-format-jsonl = JSON Lines, as the API gives entries
export-format-csv = CSV for spreadsheets
export-format-bundle = Signed bundle, verified offline
export-format-cef = CEF (ArcSight)
export-format-ocsf = OCSF (JSON Lines)
export-past = Log from before a restore
export-past-text = It has no search index any more: export it whole, or between two times.
label-export-query = Search
hint-export-query = As in the audit log’s search box, for example action:login.failed after:-7d. Empty exports everything.
label-export-format = Format
hint-export-format = CSV is safe to open in a spreadsheet.
error-exports-busy = Three exports of this log are under way. Wait for one, or cancel one.
error-export-too-broad = This search takes too long. Narrow it by time, or add an action, an actor or another field.

## Permissions
permissions-lead = { $count ->
    [one] One permission, by role, with the routes it opens.
   *[other] { $count } permissions, by role, with the routes they open.
}
permissions-caption = Permissions in rows, roles in columns
permission-routes = { $count ->
    [one] { $count } route
   *[other] { $count } routes
}

## Account
account-lead = Who you are here, and your password.
account-lead-provider = Who you are here.
second-factor-title = Second factor
second-factor-lead = One more step, { $name }.
second-factor-back = Begin again
second-factor-lost = I have neither my app nor a recovery code
second-factor-lost-text = Ask an owner or administrator of your organisation to reset your second factor. The people who run this appliance can do it too.
label-second-factor = Code
hint-second-factor = The six digits that your authenticator app shows now, or one of your recovery codes.
label-recovery-code = Recovery code
hint-recovery-code = One of the codes that you have kept. Each works once.
enrol-title = Set up a second factor
enrol-lead = A password alone is not enough for you here. Setting this up takes a minute, once.
enrol-submit = Set up and sign in
app-install = Take an authenticator app
app-install-text = Any app for six-digit codes will do, on your phone or in your password manager.
app-scan = Scan this code with it
app-qr = QR code for the authenticator app
app-open = Or open the app on this device
app-type = Or type the key
app-type-text = Time-based, six digits, every 30 seconds.
label-app-code = Code that the app shows now
hint-app-code = Six digits. They change every 30 seconds.
app-set-up = Set up an app
app-set-up-text = From then on you sign in with your password and a code of the app. Your other sessions end.
app-replace = Replace the app
app-replace-text = The app so far works until the new one has given its first code. You get new recovery codes, and your other sessions end.
app-use = Use this app
app-turn-off = Turn the app off
app-turn-off-text = You sign in without a code then. Recovery codes end, and so do your other sessions.
app-obligatory = You must have a second factor here, so you can replace the app but not turn it off.
label-proof-code = Your current code
hint-proof-code = Of the app so far, or one of your recovery codes.
label-proof-password = Your password
own-factors-lead = Somebody who learns your password still needs this to sign in.
own-factors-lead-provider = You sign in with your identity provider. Where a second factor is required here as well, you show this one.
own-app = Authenticator app
own-app-since = Set up
own-app-none = You have none. Your password alone signs you in.
own-app-none-passkey = You have none. You sign in with a passkey.
own-app-none-provider = You have none. What your identity provider asks you for is enough, unless a second factor is required here.
own-app-none-passkey-provider = You have none. Your passkey is asked for where a second factor is required here.
own-codes-left = Recovery codes left
own-codes-few = Make new ones soon
recovery-title = Keep your recovery codes
recovery-lead = Each takes the place of a code of your app, once. They are for the day when the phone is gone.
recovery-once-title = They are shown only now.
recovery-once-text = Print them or keep them in a password manager, not beside your password on the same device.
recovery-download = Download as text
recovery-kept = I have kept them
recovery-new = New recovery codes
recovery-new-text = The ones that you have stop working, used or not.
account-me = You
account-password = Change password
account-password-text = Your other sessions end when it is changed.
account-provider = Signs in with
account-password-none = No password here
account-password-none-text = Your identity provider says who you are. Your password, and what else you show when you sign in, are changed there.
account-sessions = Your sessions
session-this = This browser
session-end = End
session-end-ip = End the session from { $ip }
session-end-of = End this session of { $name }
own-sessions = Sessions and devices
own-sessions-lead = Where you are signed in now, and where you have signed in lately. Something that you do not know? End it and change your password.
sessions-end-others = End all other sessions
own-devices = Your devices
own-devices-text = Browsers and applications that you have signed in with in the last 180 days. A sign-in from anywhere else is recorded as one from a new device. Forgetting a device ends your sessions there.
own-devices-empty = None is remembered.
device-forget = Forget
device-forget-name = Forget { $name }
agent-on = { $browser } on { $system }
agent-unknown = Unknown program

## Sessions of everybody
sessions = Sessions
sessions-lead = Who is signed in, from where and since when. Ending a session works at once, on every connection.
sessions-search = Name, e-mail address or id of a person
sessions-none = No sessions
sessions-none-text = Nobody who was looked for is signed in.
sessions-end-all = End all sessions
sessions-end-all-text = Everybody but you is signed out at once, on every device, and all access tokens stop working. They can sign in again.
sessions-end-every = End all
sessions-end-of = End all sessions of { $name }

## Platform
tenants-lead = Each has its own encrypted files, keys, people and audit log.
tenants-empty = No tenants yet
alarm-link = See backups
alarm-backups-unset = Backups are not set up: if this machine is lost, everything is.
alarm-backups-off = The daily backup is switched off.
alarm-backup-failed = The last backup run, { $at } UTC, failed.
alarm-target-failing = The backup target { $target } has been failing since { $since } UTC.
alarm-test-failed = The last restore test, { $at } UTC, failed.
alarm-test-overdue = A restore test is overdue: nobody knows whether the backups can be restored.
tenants-empty-text = Create the first one, with its owner.
tenant-new = New tenant
tenant-new-lead = Its database, keys and audit log are created at once.
tenant-legend = Organisation
tenant-create = Create tenant
tenant-facts = Details
tenant-sign-in = Sign-in address
tenant-acts = State
tenant-freeze = Freeze
tenant-freeze-text = Reading goes on, every change is refused. For an incident.
tenant-unfreeze = Unfreeze
tenant-unfreeze-text = Allows changes again.
tenant-suspend = Suspend
tenant-suspend-text = No sign-in, no API keys. Nothing is deleted.
tenant-resume = Resume
tenant-resume-text = Allows sign-in and API keys again.
owner-legend = Owner
owner-hint = Has every right in this organisation and adds the others.
performance-title = Performance
performance-lead = How long requests took, by route. Kept in memory since the server started, at { $since } UTC.
performance-quarter = Last 15 minutes
performance-day = Last 24 hours
performance-span = Time
performance-all = All requests
performance-none = No requests in this time.
performance-slowest = Routes, the slowest first
performance-slowest-text = Half of the requests took p50 at the most, 95 in 100 took p95, 99 in 100 took p99. Values are up to a fifth too high.
performance-others = { $count ->
    [one] One other route
   *[other] { $count } other routes
 }
performance-route = Route
performance-requests = Requests
performance-p50 = p50
performance-p95 = p95
performance-p99 = p99
performance-refused = Refused (4xx)
performance-failed = Failed (5xx)
about-title = About this release
about-lead = Which release runs here and what it is made of. The page is in the binary: it needs no network.
about-release = Release
about-version = Version
about-build = Build
about-sbom = Bill of materials
about-sbom-download = Download (CycloneDX, JSON)
about-upgrade = Upgrading
about-upgrade-page = How this installation is upgraded, and the way back
about-libraries = Libraries and their licences
about-libraries-count = { $count ->
    [one] One library is compiled in.
   *[other] { $count } libraries are compiled in.
}
about-texts = Licences are named by their SPDX expressions. Their texts are in third-party-licences.txt.gz, which every package installs in /usr/share/doc/strongroom.
col-library = Library
col-licence = Licence
doctor-title = Health checks
doctor-lead = Whether this installation is as it should be, and what to do where it is not.
doctor-ok = Nothing to do
doctor-warn = It works; some things should be another way
doctor-fail = Something needs you
doctor-counts = { $fail } to mend, { $warn } to look at, { $ok } fine, { $none } that do not apply
doctor-again = Check again
doctor-network = Check the network too
doctor-network-text = Connects to the mail server and the backup targets that are set up, and to nothing else.
doctor-found = Found
col-check = Check
doctor-expected = Expected
doctor-mend = What to do
doctor-page = More in
doctor-fixable = On the machine:
doctor-mend-now = Mend it now
doctor-bundle = For whoever helps you
doctor-bundle-text = A file about this installation without secrets and without names of people, tenants or hosts. Read it before you send it.
doctor-bundle-make = Download the support bundle
doctor-needs = What needs you
doctor-all = All checks
doctor-state-ok = Fine
doctor-state-warn = Look at it
doctor-state-fail = To mend
doctor-state-none = Does not apply
jobs-lead = What the appliance does by itself, and how the last run went.
jobs-nightly = Daily and weekly
jobs-machinery = All the time
jobs-machinery-text = The machinery: every hour, minute or second.
when-seconds = { $count ->
    [one] every second
   *[other] every { $count } seconds
}
when-minutes = { $count ->
    [one] every minute
   *[other] every { $count } minutes
}
when-hourly = every hour at :{ $minute }
when-daily = daily at { $time }
when-weekly = { $day } at { $time }
job-progress = Progress
job-off = Switched off
job-when = When it runs
job-time-zone = Time zone
job-acts = What you can do
job-run = Run now
job-run-text = Starts it once, beside its schedule.
job-cancel = Cancel
job-cancel-text = The run ends at its next step. What it has done stays done; the next run does the rest.
job-vital = This job is part of the machinery: it is neither cancelled nor switched off, and keeps its schedule.
job-schedule-hint = Six fields: second, minute, hour, day of the month, month, day of the week. At least a minute between two runs.
job-own-schedule = Unless changed:
job-enabled = Runs by itself
job-schedule-save = Save the schedule
job-runs = Latest runs
job-started = Began
job-origin = Started by
job-message = What it did
job-output = What the run said
job-origin-schedule = The schedule
job-origin-start = The start of the server
job-origin-missed = A time that passed while the server was off, or a run that failed
job-origin-person = An administrator
job-origin-operator = Somebody on the machine

backups-lead = What there is to restore from, and whether it can be restored.
backups-unset = No backup is made yet
backups-unset-text = Make a key pair on another machine and keep its file there:
backups-unset-lines = Write the public key that it prints, and places for backups, into the server’s configuration file:
backups-unset-after = Then restart the server. Backups are made every night from then on.
backups-test-overdue = No restore test went well for too long. Nobody knows whether these backups can be restored.
backups-state = Backups
backups-last = Last backup
backups-last-run = Last run
backups-changes = Between backups
backups-changes-none = Nothing leaves this machine between daily backups.
backups-unsent = { $count ->
    [0] Every change has been sent. Nothing would be lost if this machine were gone now.
    [one] If this machine were gone now, the last second would be lost at most.
   *[other] If this machine were gone now, the last { $count } seconds would be lost at most.
}
target-well = Takes backups
target-failing = Failing
target-untried = Not tried yet
backups-target-since = since
backups-target-success = Last success
backups-target-missing = { $count ->
    [one] One backup is missing here.
   *[other] { $count } backups are missing here.
}
backups-targets = Targets
backups-elsewhere = { $count ->
    [0] Changes were archived in a target that is not in the settings any more:
    [one] One backup lies in a target that is not in the settings any more:
   *[other] { $count } backups lie in a target that is not in the settings any more:
}
backups-elsewhere-changes = Changes that continuous archiving sent lie there.
backups-elsewhere-text = Nothing deletes what lies there, whatever their age and whoever was erased since; certificates name the target. Put it back into the settings until they are gone, or destroy them by hand and then say so.
backups-proven = Restored in a test
restore-tests-title = Restore tests
restore-tests-all = All tests, with signed results
restore-tests-lead = Backups that were restored into a scratch directory, with archived keys, and checked as in a real restore.
restore-tests-seconds = Also as of a second
restore-tests-note = Signed result
restore-tests-check = Who has the installation's public key checks a result without a server:
backups-overdue = { $count ->
    [one] A target refuses to delete one object that is past its time:
   *[other] A target refuses to delete { $count } objects that are past their time:
}
backups-overdue-text = A lock on objects keeps them, or a credential that must not delete. What was erased can be read there for longer than the settings say, by whoever has a private key of the backups; certificates name the target. It is asked again every day.
backups-overdue-since = Since
backups-none = None
backups-test = Last restore test
backups-test-passed = Passed
backups-test-failed = Failed
backups-test-when = Tested
backups-test-archives = Backups restored
backups-test-speed = { $count } seconds for each gibibyte
backups-test-never = No restore was tested yet. Test one on the machine:
backups-archives = What can be restored
backups-owner = Tenant
backups-newest = Newest
backups-count = Backups
backups-size = Size of the newest
backups-restore = Restore
restores-title = Restores
restores-moment = As of
restores-started = Started
restores-acts = Acts
restores-lost = { $count ->
    [0] Nothing that the audit log tells of.
    [one] What one entry of the audit log tells of. The entry is kept.
   *[other] What { $count } entries of the audit log tell of. The entries are kept.
  }
restores-undone = Undone by it:
restores-past = Log before:
restores-confirm = Keep it
restores-undo = Undo
restore-state-running = Under way
restore-state-restored = To be confirmed
restore-state-confirmed = Kept
restore-state-undone = Undone
restore-state-failed = Failed
notice-restore-started = The restore has begun. This page shows what becomes of it.
notice-restore-confirmed = What was restored is kept.
notice-restore-undone = The state before the restore is back.
restore-title = Restore a tenant
restore-head = Restore { $name }
restore-lead = The tenant is read beside itself, checked, and only then exchanged. It is away for a moment. Others do not notice.
restore-at = State at this time
restore-at-hint = In UTC, such as 2026-11-22 05:06:07. Empty for the newest state.
restore-look = Look
restore-choices = What there is to restore from
restore-any-second = Any second:
restore-archive = Backup as of
restore-archive-entries = Log entries
restore-choose = Choose
restore-plan = What would be done
restore-undone = Undone by it
restore-undone-after = Whatever the audit log tells of after that. The entries are kept.
restore-used = Read from
restore-key-of = Private key of one of
restore-identity = Private key
restore-identity-hint = The content of the file from age-keygen. It is used for this restore and stored nowhere.
restore-confirm = Type { $slug } to go on
restore-after = Nothing is final yet: look at what was restored, then keep it or undo it.
restore-unread = Later changes may lie in a target that does not answer.
restore-held = A legal hold is in force in this tenant. The state before is kept, and the restore cannot be confirmed, until the hold is lifted.
restore-run = Restore

choose-password-title = Choose a password
choose-password-lead = For signing in to the platform. This link works once.
choose-password-submit = Set password
choose-password-over-text = It works once and for 30 minutes. Ask another administrator for a new one, or run on the machine:

## Streams
streams-title = Streams
streams-lead = The audit log goes on to other systems, such as a SIEM, as it grows. Every entry arrives at least once.
streams-empty = No streams yet
streams-empty-text = Set one up to send every entry to syslog, to Splunk or to an HTTP address.
stream-new = New stream
stream-edit = Change the stream
stream-form-lead = Secrets are sealed and never shown again. Setting up and changing a stream is recorded.
stream-type-choose = Show its fields
stream-receiver = Receiver
stream-tls = Certificates
stream-save = Save stream
stream-facts = How far it has come
stream-through = Delivered up to entry
stream-sent = Entries sent
stream-changed = Changed
stream-acts = What you can do
stream-test = Send a test
stream-test-text = Sends one message of number 0 and says what happened.
stream-test-ok = The test message got through
stream-test-failed = The test message did not get through
stream-test-took = It took { $count } ms.
stream-edit-text = Name, format, receiver or secrets. The stream goes on where it is.
stream-pause = Pause
stream-pause-text = Stops sending. Nothing is lost: the log itself is the store.
stream-resume = Resume
stream-resume-text = Goes on behind the last entry that was delivered.
stream-delete = Remove
stream-delete-text = For good. A new stream can begin at the beginning again.
stream-error-title = It does not get through
stream-failing-since = Since
stream-error-at = Last attempt
stream-next-attempt = Next attempt
stream-skipped = { $count ->
    [one] One entry was removed by retention before it was sent.
   *[other] { $count } entries were removed by retention before they were sent.
}
stream-not-encrypted = What this stream sends can be read and changed on its way. Use TLS where the receiver has it.
label-stream-type = Kind of receiver
hint-stream-type = Choose this first: each has fields of its own.
hint-stream-name = So that people know where it goes.
hint-stream-format = JSON has everything; CEF and OCSF are what many SIEMs know.
label-stream-begin = First entry to send
label-stream-address = Address
hint-stream-address = Host and port, such as siem.example.org:6514.
label-stream-transport = Transport
label-stream-facility = Facility
hint-stream-facility = 0 to 23; 13 is “log audit”.
label-stream-url = Address
hint-stream-url = Begins with https://.
label-stream-index = Index
label-stream-source-type = Source type
label-stream-body = Body
label-stream-auth = Authentication
label-stream-user = User
hint-stream-user = For user and password.
label-stream-header = Header
hint-stream-header = For a header of your choice.
label-stream-credential = Token, password or header value
hint-stream-credential = Stays empty where the receiver asks for none.
hint-stream-secret-kept = Leave empty to keep the one that is stored.
label-stream-ca = Authority
hint-stream-ca = PEM. Trusted instead of the system's authorities.
label-stream-server-name = Name in the certificate
hint-stream-server-name = Where it is not the host's.
label-stream-client-certificate = Client certificate
hint-stream-client-certificate = PEM, for receivers that ask for one. Needs its key.
label-stream-client-key = Client key
published-title = Published checkpoints
published-lead = Signed checkpoints of every log go to these places, so that nobody with this machine can rewrite history unseen.
published-none = None yet. The machine's administrator sets them in the configuration file, in the section checkpoints.

## Step-up: a factor once more, for a sensitive act
step-up-title = Confirm that it is you
step-up-lead = This can do harm in the wrong hands. Show once more that it is you.
step-up-act = You are about to
step-up-wrong = That was not right. Nothing was done yet, and nothing is lost: try again.
step-up-code = Code from your authenticator app, or a recovery code
step-up-password = Your password
step-up-button = Confirm and go on
step-up-provider = Confirm with { $name }
step-up-provider-beside = This opens another window. Once you have confirmed there, come back here and go on: what you have entered waits.
step-up-beside-text = Close this window, and go on in the one that you came from.
step-up-go-on = Go on
step-up-not-yet = Your identity provider has not confirmed yet that it is you. Nothing was done, and nothing is lost.
step-up-nothing = You have neither a password nor a second factor here, and the identity provider that signed you in is turned off, or counts as one factor where you need two. Sign in anew, or set up an authenticator app first.
step-up-too-large = This form is too large to be kept meanwhile. Confirm first, then go back and send it again.
step-up-confirm-first = Confirm first
step-up-done-title = Confirmed
step-up-done-text = For the next minutes nothing asks you again. If it does not go on by itself, follow the link.
step-up-done-link = Go on
step-up-needed = fresh factor

## Approvals: a second person
approvals-lead = Acts that destroy, take everything out or make somebody able to approve wait here for a second person. Approving performs them.
approvals-off = No act takes a second person here: the owners have not turned that on.
approvals-none = Nothing waits.
approvals-decided = Decided
approval-act = What is asked for
approval-act-shred-audit = Destroy what the audit log says
approval-act-export-audit = Export the whole audit log
approval-act-change-role = Give a member a role that can approve
approval-act-trust-provider = Believe an identity provider, as it is set up here
approval-setting = Setting
approval-act-four-eyes-off = Do without a second person from now on
approval-act-erase-person = Erase a person
approval-act-shorten-retention = Keep data for a shorter time
approval-act-shorten-audit-retention = Keep the audit log for a shorter time
approval-act-lift-hold = Lift a legal hold
approval-act-shorten-hold = Let a legal hold end earlier
approval-policy = Policy
approval-policy-step = { $class }: { $from } → { $to }
approval-days-now = Kept now
approval-days-new = Kept from then on
approval-days = { $count ->
    [one] one day
   *[other] { $count } days
}
approval-days-off = until somebody deletes it
approval-hold = Hold
approval-hold-ends-now = Ends now on
approval-hold-ends = Would end on
approval-hold-review = Would be looked at on
approval-subject = Id of the person’s key
approval-request = Number of the request
approval-act-single-sign-on-off = Let people in without an identity provider again
approval-act-emergency-account = Name another emergency account for single sign-on
approval-emergency = Emergency account
approval-format = Format
approval-search = Search
approval-log = Log from before a restore
approval-from = From
approval-to = To
approval-member = Member
approval-role-from = Role now
approval-role-to = New role
approval-reason = Reason
approval-reason-hint = The second person reads it, and the audit log keeps it.
approval-requester = Asked for by
approval-requested = Asked for
approval-expires = Waits until
approval-decider = Decided by
approval-decided = Decided on
approval-approve = Approve and perform
approval-refuse = Refuse
approval-refuse-reason = Why it is refused
approval-withdraw = Take back
approval-yours = You have asked for this: somebody else has to approve it.
approval-ask-title = A second person has to approve this
approval-ask-lead = { $count ->
    [one] Nothing was done yet. Say why it has to be done: somebody else who may do it as well then has an hour to approve it.
   *[other] Nothing was done yet. Say why it has to be done: somebody else who may do it as well then has { $count } hours to approve it.
}
approval-ask-button = Ask for approval
approval-state-waiting = Waiting
approval-state-approved = Approved
approval-state-refused = Refused
approval-state-withdrawn = Taken back
approval-state-expired = Expired
notice-approval-requested = Approval was asked for. Nothing was done yet.
notice-approval-granted = Approved and performed.
notice-approval-refused = Refused.
notice-approval-withdrawn = Taken back.
notice-settings-saved = Settings saved.

## How people have to sign in
sso-only-title = Single sign-on only
sso-only-lead = Whether people come in by your identity provider alone, and who still gets in on the day on which it does not work.
sso-only-link = turns all of these off but for one account.
sso-only-now = As it is now
sso-only-state = Single sign-on only
sso-only-is-on = On
sso-only-is-off = Off
sso-only-providers = Identity providers that are on
sso-only-linked = Members who have signed in by one
sso-only-sessions = Sessions begun in another way
sso-only-tick = Only single sign-on lets people in
sso-only-hint = Passwords, links by mail and passkeys let nobody in any more but the emergency account. Keys of applications go on working.
sso-only-warning = { $count ->
    [0] When you turn it on, sessions that were begun in another way end at once. There is none now.
    [one] When you turn it on, the one session that was begun in another way ends at once, yours too if it is that one. The emergency account’s stay.
   *[other] When you turn it on, the { $count } sessions that were begun in another way end at once, yours too if it is one of them. The emergency account’s stay.
}
emergency-account = Emergency account
emergency-account-hint = An owner who has a password, and an authenticator app or a passkey of their own. It cannot sign in by the provider, so do not take one that you use every day: whoever becomes it has their link to the provider removed, and sessions that they began by it end, yours too if it is you. Each use of it is in the log, told to the other owners by mail, and shown here for a week.
emergency-choose = Choose an account
emergency-account-hint-no-mail = An owner who has a password, and an authenticator app or a passkey of their own. It cannot sign in by the provider: do not take one that you use every day. Each use of it is in the log, and shown here for a week; nobody is told of it, because no mail can be sent from here.
emergency-used = The emergency account was used:
emergency-lacks-owner = { $who } – no active owner
emergency-lacks-password = { $who } – has no password
emergency-lacks-second-factor = { $who } – has no second factor
sign-in-settings = Sign-in
sign-in-settings-lead = How the people of this organisation prove who they are, and for how long that holds.
sign-in-factors = Proving who one is
sign-in-times = How long it holds
sign-in-registration = Registration
sign-in-four-eyes = Four eyes
policy-second-factor = Everybody needs a second factor
policy-second-factor-hint = { $count ->
    [0] Owners always do. All active members have one.
    [one] Owners always do. One active member has none yet and sets it up at the next sign-in. Turning this on ends sessions that were begun without one.
   *[other] Owners always do. { $count } active members have none yet and set it up at the next sign-in. Turning this on ends sessions that were begun without one.
}
policy-passkeys-alone = A passkey is enough by itself
policy-passkeys-alone-hint = One that asks for a PIN or a fingerprint is two factors in one.
policy-magic-links = Links by e-mail
policy-magic-links-hint = People may ask for a link to sign in with, where mail is set up. It takes the place of the password, never of the second factor.
policy-idle = Minutes without a request
policy-idle-hint = A session ends after them: 5 to 1440, { $count } when empty.
policy-absolute = Hours after sign-in
policy-absolute-hint = A session ends then in any case: 1 to 720, { $count } when empty.
policy-token = Minutes of an access token
policy-token-hint = For applications that act for a person: 1 to 1440.
policy-registration = People may register themselves
policy-registration-hint = With an address of these domains, which they have to confirm. They become viewers.
policy-domains = Domains
policy-domains-hint = Of e-mail addresses, one a line: example.org
policy-four-eyes = Some acts need a second person
policy-four-eyes-hint = Destroying what the audit log says, exporting all of it, giving somebody a role that can approve, and turning this off. It takes two owners.
## Passkeys
passkeys-lead-provider = A passkey lets nobody in by itself here: people come by the identity provider. It is your second factor where one is asked for, and confirms what you do with your fingerprint, face, PIN or a security key.
passkeys-lead = Sign in with your fingerprint, face, PIN or a security key instead of typing a code. A passkey answers this address alone, so no imitation of this page can use it.
passkeys-empty = No passkeys yet
passkeys-empty-text = A passkey is kept by your phone, your computer, a password manager or a security key.
passkeys-codes = When you lose your devices, a recovery code lets you in, and you have hardly any.
passkeys-codes-make = Make recovery codes
passkey-add = Add a passkey
passkey-add-lead = Your browser asks where to keep it. Add a second one on another device, in case you lose the first.
passkey-create = Create passkey
passkey-rename = Rename
passkey-remove = Remove
passkey-remove-name = Remove { $name }
passkey-use = Signs you in
passkey-use-alone = Alone or after your password
passkey-use-second = After your password
passkey-use-provider = After your identity provider
passkey-since = Added
label-passkey-name = Name
hint-passkey-name = Where it is kept, for instance “Laptop” or “Key on the key ring”.
passkey-touch = A security key without PIN, that is only touched
passkey-touch-hint = It works after your password, never alone.
passkey-sign-in = Sign in with a passkey
passkey-use-one = Use a passkey
passkey-refused-title = The passkey was not accepted
passkey-refused-text = It may have taken more than five minutes. Try again.
passkey-refused-sign-in = It may belong to another organisation, have been removed, or have taken more than five minutes. Try again, or sign in with your password.
passkey-not-alone-title = A passkey alone is not enough here
passkey-not-alone-text = Sign in with your password. The passkey is your second factor.
passkey-at-title = Passkeys do not work at this address
passkey-at = Passkeys work at
passkey-nowhere-title = Passkeys need a name instead of an IP address
passkey-nowhere = Passkeys work when this appliance is opened under a name. Whoever runs it gives it one by this setting:
passkey-script = Passkeys need JavaScript.
passkey-unsupported = This browser knows no passkeys.
passkey-cancelled = Nothing came from your device, or it was called off. Try again.
passkey-known = This device has a passkey of yours already.
passkey-throttled = Too many attempts. Wait a minute and try again.
passkey-failed = That did not work. Try again.

# Links that come by mail
sign-in-link = Send me a link
sign-in-reset = Forgot your password?
sign-in-register = Register
sign-in-ways = Other ways in
sso-send-title = Sign-in goes on
sso-send-text = The next page opens by itself. If it does not, go on here.
sso-send-go = Go on
sso-ask-title = Sign in
sso-ask-go = Sign in at { $provider }
sso-ask-text = Another site has sent you here. Go on only if you want to sign in now.
sso-leave-title = You are signed out
sso-leave-text = Your organisation’s sign-in is told as well. If its page does not open by itself, go on here.
sso-refused-title = You are not signed in
sso-refused-again = This sign-in took too long, was opened twice or began in another browser. Begin again on the sign-in page.
sso-refused-provider = Your organisation’s sign-in cannot be reached from here at the moment. Try again later, or tell your administrator.
sso-refused-other-person = Your organisation signed in somebody else than the person who is signed in here. Sign out there first, then try again.
sso-refused-no-access = Your organisation knows you, but you have no access here. Ask your administrator for it, and give them the number below.
sso-refused-check = The answer of your organisation’s sign-in did not pass the checks here. Try again; if it happens twice, give your administrator the number below.
sso-refused-reference = Number of this attempt:
sso-refused-back = Back to sign-in
link-ask-title = Sign in with a link
link-ask-lead = We send a link to your address. It works once, for 15 minutes, in this browser.
link-ask-submit = Send the link
reset-ask-title = Choose a new password
reset-ask-lead = We send a link to your address. With it you choose a new password, once, within 30 minutes.
link-sent-title = Look into your mail
link-sent-text = If mail can be sent to this address, a link is on its way. Open it in this browser.
reset-sent-text = If mail can be sent to this address, a link is on its way.
register-sent-text = If mail can be sent to this address, a link is on its way. It works for 24 hours.
link-off-title = No links by mail here
link-off-text = Sign in with your password, or ask your administrator.
link-open-title = Sign in
link-open-text = This link works once.
link-elsewhere-title = This link belongs to another browser
link-elsewhere-text = Open it in the browser in which you asked for it, or ask for a new one here. It was not used up.
link-nobody-title = Nobody here has this address
link-nobody-text = There is no account for the address that this link was sent to. Try the address that you use here, or ask your administrator.
link-over-title = This link does not work any more
link-over-text = It was used before, its time is over, or something has changed since. Ask for a new one on the sign-in page.
join-over-text = It was used before, withdrawn, or its time is over. Ask whoever invited you for a new one, or register again.
email-over-text = It was used before, its time is over, or somebody else has the address. Ask for a new one on your account page.
join-title = Become a member
join-lead = You choose a name and a password for { $place }. Then you sign in.
join-submit = Become a member
register-title = Register
register-lead = You become a member who may look around. Organisation:
register-submit = Send the link
register-off-title = Nobody can register here
register-off-text = Ask your administrator for an invitation.
register-member-title = You are a member already
register-member-text = There is an account for this address. Sign in with it, or choose a new password.
account-email-title = E-mail address
account-email-lead = You sign in with it. A link is sent to the new address; until it is opened, the old one stays.
account-email-now = Today
account-email-new = New address
account-email-change = Change
account-email-off = No mail can be sent from here; ask your administrator.
email-open-title = Confirm your new e-mail address
email-open-text = From now on you sign in with this address:
email-open-submit = Confirm the address
notice-joined = You are a member now. Sign in.
notice-email-asked = A link is on its way to the new address.
notice-email-changed = Your e-mail address was changed. Sign in with the new one from now on.

# Invitations
invitations-title = Invitations
invitations-lead = People who were invited and have not come yet. An invitation works once, for 7 days.
invitations-not-now = Only single sign-on lets people in: they become members by the identity provider, or are added under Members. Nobody is invited.
invitations-none = No invitation is open
invitation-new = Invite somebody
invitation-by-mail = They get a mail with a link, with which they choose their name and password.
invitation-by-hand = No mail can be sent from here: you get a link to hand over, with which they choose their name and password.
invitation-made = Invitation for { $email }
invitation-hand-over = Hand this link over in a way that only they can read. It works once, for 7 days, and is shown only now.
invitation-withdraw = Withdraw
invitation-withdraw-of = Withdraw the invitation of { $email }
col-invited = Invited
col-over = Works until
notice-invited = The invitation is on its way.
notice-invitation-withdrawn = The invitation was withdrawn; its link stopped working.

# The platform's settings
platform-settings-title = Settings
platform-settings-lead = What the configuration file says, and whether it works.
mail-title = Mail
mail-off = No mail server is configured, so no mail is sent and no link by mail offered. Set these in the configuration, and restart:
mail-server = Mail server
mail-tls = Protection
mail-username = Signs in as
mail-no-username = does not sign in
mail-from = Sender
mail-state = Since the start
mail-waiting = Mails that wait
mail-sent = Mails sent
mail-last-sent = Last one
mail-last-error = The last attempt failed
mail-test = Send a test mail
mail-tested = The mail server took a test mail for { $email }.

## Documentation
help = Help
docs-title = Documentation
docs-search-title = Search the documentation
docs-nothing-found = Nothing was found. Try other words, or fewer.
docs-on-this-page = On this page
docs-group-start = Getting started
docs-group-using = Using
docs-group-operating = Operating
docs-group-auditing = Auditing
docs-group-integrating = Integrating
docs-group-reference = Reference
docs-group-runbooks = Runbooks

configuration-title = Configuration
configuration-lead = What is in force on this server, and where it comes from. What a file, the environment or the command line says is locked here: it is changed there.
configuration-file = Read from
configuration-no-file = There is no configuration file.
configuration-more = About the configuration
col-setting = Setting
col-value = Value
col-origin = From
setting-locked = Locked
setting-default = Default
setting-unset = not set
setting-restart = a change needs a restart
server-certificate-title = Server certificate
certificate-valid = Valid
certificate-soon = Ends soon
certificate-expired = Ended
certificate-configured = From the files that the configuration names. New files are taken over by themselves.
certificate-self-signed = Made by Strongroom itself, and renewed by itself. Browsers do not know it: compare the fingerprint.
certificate-foreign = Somebody put it into the data directory. It is not renewed by itself; new files are taken over.
certificate-acme = From the certificate authority at { $directory }, and renewed by itself.
certificate-asked = Made by Strongroom itself, until the certificate authority at { $directory } gives one. Browsers do not know it: compare the fingerprint.
certificate-renewal = Renewal
certificate-renewal-soon = within five minutes
certificate-last-try = Last try
certificate-no-failure = went well
certificate-failed = The certificate authority gave no certificate:
certificate-more = About certificates
certificate-source = Source
certificate-until = Valid until
certificate-from = Valid from
certificate-names = For
certificate-fingerprint = SHA-256 fingerprint
alarm-certificate-ends = The server's certificate ends at { $at } UTC.
alarm-certificate-ended = The server's certificate ended at { $at } UTC: browsers warn, and applications do not connect.
alarm-certificate-link = See the certificate
## Incidents
banner-read-only = Nothing can be changed here just now: this installation is read-only.
banner-recovery = Recovery mode: only platform administrators get in, from this machine alone. No jobs run, and nothing is connected to.
incident-title = Incident
incident-lead = Stop changes, take away what lets people in, follow a runbook. Each act is recorded.
incident-guide = How to go about it
incident-tenant = One tenant
incident-tenant-text = See how many sessions, links and keys there are, and take them away. Freezing and suspending a tenant is on its own page.
incident-tenant-go = Look
incident-keys = Keys
incident-keys-text = The key that signs access tokens can be replaced at once: every access token so far is refused, and applications renew theirs with their refresh tokens. Nobody is signed out.
incident-token-key = Replace the key of access tokens
incident-other-keys = Other keys
incident-freeze = Freeze or suspend
incident-everything = The whole installation
incident-everything-button = Take everything away
incident-tenants = { $count ->
    [one] In one tenant and on the platform.
   *[other] In { $count } tenants and on the platform.
}
incident-looked-into = Counted in { $count } of them; it is done in all.
incident-done-tenants = In { $count } tenants.
incident-runbooks-text = Each can be printed, with its commands, for the day on which this console does not answer.
incident-admin-sessions = Who is signed in to the platform
runbook-stolen-laptop = A laptop was stolen
runbook-leaked-api-key = An API key has leaked
runbook-tenant-under-attack = A tenant is under attack
runbook-root-compromise = Somebody may have been root on the machine
runbook-legal-hold = A legal hold, now
runbook-last-administrator = The last administrator is locked out
runbook-replace-keys = A key may be known to somebody
runbook-frozen-tenant = Freezing a tenant
runbook-read-only = Nothing is to change until it is understood
runbook-recovery-mode = Nobody but you reaches the server
runbook-damaged-disk = A disk is damaged
runbook-fire = After a fire
runbook-keys = Replacing keys
read-only-title = Read-only mode
read-only-text = Every change of data is refused, in all tenants, until you end it. Reading goes on and is recorded; so do sign-in, backups, taking rights away and legal holds.
read-only-on = Stop all changes
read-only-off = Allow changes again
read-only-since = Since
read-only-why = Why
read-only-why-hint = Everybody who is refused reads it.
read-only-until = Expected to last until
read-only-until-hint = In UTC. It ends when you end it.
notice-read-only-on = Nothing can be changed from now on.
notice-read-only-off = Changes are allowed again.
notice-token-key-replaced = A new key signs access tokens. Those so far are refused; applications renew theirs.
access-title = Revoke access
access-lead = Everything that lets somebody in is taken away at one stroke, at the next request. It works in a frozen tenant too.
access-member = Of a member
access-who = E-mail address or id
access-look = Look
access-everybody = Of everybody
access-of-tenant = Take away what lets people into { $name }
access-sessions = Sessions
access-sign-ins = Sign-ins under way
access-links = One-time links
access-invitations = Invitations
access-keys = API keys
access-provisioning = { $count ->
    [one] one of them for provisioning
   *[other] { $count } of them for provisioning
}
access-reason = Reason
access-text-member = The person is signed out everywhere, their links stop working, and so do invitations and password links that they handed out, and API keys whose secret they were shown. They can sign in again unless you disable them.
access-text-own = Everybody but you is signed out, invitations and links stop working, and applications get in no more until they have new keys. People can sign in again.
access-text-tenant = Everybody in this tenant is signed out, invitations and links stop working, and applications get in no more until they have new keys. People can sign in again.
access-text-everything = Everybody but you is signed out, in every tenant and here. Invitations and links stop working, and applications get in no more until they have new keys. People can sign in again.
access-revoke = Take it away
access-revoke-of = Take it away from { $who }
access-revoke-everybody = Take it away from everybody
access-done = Taken away
access-done-text = Passwords and second factors are as they were. Have them changed where they may be known to somebody else.
access-back = Back
access-failed = In these tenants it could not be done just now. Do it again:

## Weaknesses
security-title = Report a weakness
security-lead = Thank you for telling us before anybody else. This page says whom to tell, and what happens then.
security-contact = Contact
security-no-contact = No address has been given. Write to the organisation that runs this installation, to the attention of whoever is responsible for information security.
security-policy = Our policy
security-expect = What you may expect
security-expect-answer = A person answers within 48 hours.
security-expect-informed = You hear what we found, and when it is mended.
security-expect-law = Whoever looks in good faith and keeps to this page has no legal steps to fear from us.
security-expect-credit = We name you when it is published, if you want that.
security-txt = The same for programs: security.txt (RFC 9116)
security-ask = What we ask of you
security-ask-detail = Describe how it can be seen again: addresses, steps, what you saw.
security-ask-data = Look at no more of other people's data than it takes, change and keep nothing, and do not disturb the service.
security-ask-time = Give us time to mend it before you tell others: 90 days, or what we agree on.
