// Sends the form to the identity provider without a click.
"use strict";

document.querySelector("form[data-send-at-once]")?.requestSubmit();
