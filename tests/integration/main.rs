//! The product from outside: the real binary on a directory of its own, asked over HTTPS and from
//! a shell. One binary for all of it links once.

mod accessible;
mod app;
mod attack;
mod bad_input;
#[allow(dead_code, reason = "its tests are being written")]
mod browser;
mod bundle;
mod client;
mod console;
mod conversations;
mod crash;
mod explorer;
mod export;
mod ingest;
mod isolation;
mod keys;
mod mail;
mod pages;
mod proofs;
mod readme;
mod receiver;
mod retention;
mod rooms;
mod rsyslog;
mod searches;
mod secrecy;
mod server;
mod setup;
mod shred;
mod smtp;
mod start;
mod step_up;
mod streams;
mod sweeps;
mod tail;
mod tamper;
mod throttling;
mod tokens;
mod totp;
mod totp;
mod verify;
mod witness;
