# Mails. Of each letter: -subject, -text, perhaps -button (the words on its link) and -after.
# { $place } is the tenant's name, or "the platform".

platform = the platform
answer = This mail was sent by Strongroom at { $host }. Nobody reads answers to it.
link-plain = If the button does not work, copy this address into your browser:

test-subject = Strongroom can send mail
test-text = An administrator of Strongroom asked for this mail to see whether mail works. It does.

sign-in-subject = Sign in to { $place }
sign-in-text = Somebody, probably you, asked for a link to sign in to { $place }. It works once, for 15 minutes, in the browser that asked for it.
sign-in-button = Sign in
sign-in-after = If you did not ask for it, you need not do anything: without this mail nobody gets in.

password-reset-subject = Choose a new password for { $place }
password-reset-text = Somebody, probably you, asked to choose a new password for { $place }. The link works once, for 30 minutes.
password-reset-button = Choose a new password
password-reset-after = If you did not ask for it, you need not do anything: your password stays as it is.

invitation-subject = You are invited to { $place }
invitation-text = { $by } invites you to { $place }. The link works once, for 7 days: with it you choose your name and password.
invitation-button = Accept the invitation
invitation-after = If you do not know who this is, you need not do anything.
invitation-unsigned-subject = You are invited to { $place }
invitation-unsigned-text = You are invited to { $place }. The link works once, for 7 days: with it you choose your name and password.
invitation-unsigned-button = Accept the invitation
invitation-unsigned-after = If you did not expect this, you need not do anything.

verification-subject = Confirm your e-mail address for { $place }
verification-text = Somebody, probably you, registers for { $place } with this address. The link works once, for 24 hours.
verification-button = Confirm the address
verification-after = If it was not you, you need not do anything: without this mail nobody can register with your address.

new-address-subject = Confirm your new e-mail address for { $place }
new-address-text = Somebody, probably you, wants to sign in to { $place } with this address from now on. The link works once, for 24 hours.
new-address-button = Confirm the address
new-address-after = If it was not you, you need not do anything.

new-device-subject = New sign-in to { $place }
new-device-text = Your account at { $place } was used on a device for the first time: { $browser }, from { $ip }, at { $at } (UTC).
new-device-after = If it was not you, change your password at once, end the session on your account page, and tell your administrator.

password-changed-subject = Your password for { $place } was changed
password-changed-text = The password of your account at { $place } was changed at { $at } (UTC).
password-changed-after = If it was not you, tell your administrator at once.

factors-reset-subject = Your second factors for { $place } were taken away
factors-reset-text = Somebody who administers { $place } took away the second factors of your account at { $at } (UTC). You set up new ones at your next sign-in.
factors-reset-after = If you did not ask for it, tell your administrator at once.

email-changed-subject = Your e-mail address for { $place } was changed
email-changed-text = Your account at { $place } has another e-mail address since { $at } (UTC). This is the last mail to the old one.
email-changed-after = If it was not you, tell your administrator at once.

emergency-used-subject = The emergency account of { $place } was used
emergency-used-text = Somebody signed in to { $place } with the emergency account, past single sign-on: { $browser }, from { $ip }, at { $at } (UTC).
emergency-used-after = If none of you did this, or nobody knows why, end its sessions and change its password and authenticator app at once. The audit log has what was done.

provider-expiring-subject = Single sign-on to { $place }: something ends soon
provider-expiring-text = A certificate or the metadata of { $provider } ends at { $at } (UTC). Once the identity provider goes over to another one that Strongroom does not have yet, nobody can sign in by it.
provider-expiring-after = Whoever runs the identity provider has the new certificate or metadata. Add it in the console under Access, Single sign-on; two certificates can be there at once.

backup-overdue-subject = { $place }: no backup was made
backup-overdue-text = No backup has been made at its time; the newest is from { $at } (UTC). What was written since is lost with the machine, unless continuous archiving has it.
backup-overdue-after = The console says under Jobs why backup.daily failed, and under Backups how the targets are. Once it is mended, start the job there, or wait for its next time.
restore-test-overdue-subject = { $place }: no restore was tested for long
restore-test-overdue-text = Since { $at } (UTC) no backup has been restored in a test that went well. Nobody knows whether backups can be used.
restore-test-overdue-after = Run strongroom restore test with a private key of one of the recipients of backups. The documentation says under Restore how it runs by itself every week.
backup-target-failing-subject = { $place }: a backup target does not take backups
backup-target-failing-text = The backup target { $target } has failed for more than fifteen minutes, last at { $at } (UTC). Backups go on to the other targets, if there are any; keys are destroyed only while at least one can be reached.
backup-target-failing-after = The console says under Backups what went wrong. Once the target answers again it is brought up to date by itself, and the platform's log says so.

certificate-expiring-subject = { $place }: the certificate of the server ends
certificate-expiring-text = The certificate that { $host } shows to browsers and applications is valid until { $at } (UTC). After that browsers warn, and applications refuse to connect.
certificate-expiring-after = Renew it, and put certificate and key where the configuration says. A server that runs takes new files over by itself within seconds; the console shows the certificate under Administrators, Configuration.
