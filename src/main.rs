//! The `wavetank` binary: hands its arguments to [`wavetank::cli`].

fn main() -> std::process::ExitCode {
    wavetank::cli::main()
}
