//! Where words go: results to standard output, progress and complaints to standard error.
//!
//! A reader that goes away (`wavetank schema | head`) is not an error: what is left unsaid is dropped. Colours follow
//! `--color`, NO_COLOR and CLICOLOR_FORCE; what is written as styled text is stripped where they are off.

use super::arguments::{Format, TerminalOptions};
use clap::ColorChoice;
use std::io::{IsTerminal, Write};

pub struct Terminal {
    pub format: Format,
    pub quiet: bool,
    color: ColorChoice,
}

impl Terminal {
    pub fn new(options: &TerminalOptions) -> Self {
        Terminal {
            format: options.format,
            quiet: options.quiet,
            color: options.color,
        }
    }

    /// A result, for standard output.
    pub fn say(&self, text: &str) {
        write(&mut anstream::AutoStream::new(std::io::stdout(), self.choice()), text);
    }

    /// A result as JSON, on standard output whatever the colours.
    pub fn say_json(&self, value: &serde_json::Value) {
        let text = serde_json::to_string_pretty(value).expect("a JSON value has string keys");
        write(&mut std::io::stdout(), &text);
    }

    /// Something that went wrong, for standard error, also under `--quiet`.
    pub fn complain(&self, text: &str) {
        write(&mut anstream::AutoStream::new(std::io::stderr(), self.choice()), text);
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

fn write(stream: &mut impl Write, text: &str) {
    let ended = if text.ends_with('\n') { "" } else { "\n" };
    // The only failure that is left to a stream of text is that nobody reads it any more.
    let _ = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.write_all(ended.as_bytes()));
    let _ = stream.flush();
}
