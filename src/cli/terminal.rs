//! Where words go: results to standard output, progress and complaints to standard error.
//!
//! A reader that goes away (`wavetank schema | head`) is not an error: what is left unsaid is dropped. A full disk
//! is one: it is kept until the command has done what else it does, see [`Terminal::unsaid`]. Colours follow
//! `--color`, NO_COLOR and CLICOLOR_FORCE; what is written as styled text is stripped where they are off.

use super::arguments::{Format, TerminalOptions};
use crate::scenario::WIDTH;
use clap::ColorChoice;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

pub struct Terminal {
    pub format: Format,
    pub quiet: bool,
    color: ColorChoice,
    /// Why a result could not be said.
    unsaid: Mutex<Option<io::Error>>,
}

impl Terminal {
    pub fn new(options: &TerminalOptions) -> Self {
        Terminal {
            format: options.format,
            quiet: options.quiet,
            color: options.color,
            unsaid: Mutex::new(None),
        }
    }

    /// A result, for standard output.
    pub fn say(&self, text: &str) {
        self.said(write(&mut anstream::AutoStream::new(io::stdout(), self.choice()), text));
    }

    /// A result for other programs, whatever the colours.
    pub fn say_plain(&self, text: &str) {
        self.said(write(&mut io::stdout(), text));
    }

    /// A result as JSON, on standard output whatever the colours.
    pub fn say_json(&self, value: &serde_json::Value) {
        let text = serde_json::to_string_pretty(value).expect("a JSON value has string keys");
        self.say_plain(&text);
    }

    /// Something that went wrong, for standard error, also under `--quiet`.
    pub fn complain(&self, text: &str) {
        // Where complaints cannot be written, there is nobody to complain to.
        let _ = write(&mut anstream::AutoStream::new(io::stderr(), self.choice()), text);
    }

    /// Why some result did not reach standard output, if one did not; a reader that went away is no reason.
    pub fn unsaid(&self) -> Option<io::Error> {
        self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn said(&self, done: io::Result<()>) {
        if let Err(error) = done
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            *self.unsaid.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// What happens meanwhile, for standard error; nothing under `--quiet`.
    pub fn mention(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Whether somebody watches standard error.
    pub fn is_watched(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Columns for complaints: as many as the terminal has, up to what reads well.
    pub fn columns(&self) -> usize {
        // Narrower ones wrap: less than this holds no line of a scenario.
        const LEAST: usize = 40;
        match console::Term::stderr().size_checked() {
            Some((_, columns)) => usize::from(columns).clamp(LEAST, WIDTH),
            None => WIDTH,
        }
    }

    /// Whether standard error takes colours.
    pub fn colors_complaints(&self) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never,
        }
    }

    fn choice(&self) -> anstream::ColorChoice {
        match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
    }
}

fn write(stream: &mut impl Write, text: &str) -> io::Result<()> {
    let ended = if text.ends_with('\n') { "" } else { "\n" };
    stream.write_all(text.as_bytes())?;
    stream.write_all(ended.as_bytes())?;
    stream.flush()
}
