//! Numbers and times as people read them, the same in charts and on the terminal.

use super::table::significant;

/// With thousands apart and without the noise of binary fractions: `1,234,570`, `0.25`, `−5`.
pub fn plain(number: f64) -> String {
    let number = significant(number, 6);
    if number == 0.0 {
        return "0".to_owned();
    }
    let text = number.to_string();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |digits| ("−", digits));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, String::new()), |(a, b)| (a, format!(".{b}")));
    format!("{sign}{}{fraction}", thousands(whole))
}

/// To so many significant digits, but whole numbers keep all of theirs: `1,235`, `12.3`, `0.0123`.
pub fn short(number: f64, digits: usize) -> String {
    if number.abs() >= 10_u64.pow(digits as u32) as f64 {
        plain(number.round())
    } else {
        plain(significant(number, digits))
    }
}

/// A deployment strategy as people say it: `blue/green`, `CodeDeploy`.
pub fn strategy(name: &str) -> String {
    match name {
        "CODE_DEPLOY" => "CodeDeploy".to_owned(),
        name => name.to_lowercase().replace('_', "/"),
    }
}

/// To so many significant digits, zeros kept, so that a column of them lines up: `1,235`, `12.0`, `0.0123`.
pub fn aligned(number: f64, digits: usize) -> String {
    let rounded = significant(number, digits);
    let scientific = format!("{rounded:e}");
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let decimals = digits as i32 - 1 - exponent;
    if decimals <= 0 {
        plain(number.round())
    } else {
        format!("{rounded:.*}", decimals as usize)
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(digits: &str) -> String {
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with thousands apart.
pub fn count(count: u64) -> String {
    thousands(&count.to_string())
}

/// `4.2 s`, `5 min 10 s`, `2 h`, `1 d 6 h`: two units at most.
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", short(seconds, 2));
    }
    let seconds = seconds.round() as u64;
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts
        .iter()
        .position(|(count, _)| *count > 0)
        .unwrap_or(parts.len() - 1);
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0);
    shown
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// `1 run`, `20 runs`.
pub fn counted(count: usize, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        thousands(&count.to_string()),
        if count == 1 { "" } else { "s" }
    )
}

/// A share as a percentage, with so many digits that a share short of 1 never reads 100 %: `99.7 %`, `99.9996 %`.
pub fn share(share: f64) -> String {
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    let percent = 100.0 * share;
    let texts = [1, 2, 3, 4, 5, 6].map(|digits| format!("{percent:.digits$}"));
    let text = texts.iter().find(|text| !text.starts_with("100")).unwrap_or(&texts[5]);
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_called_what_people_call_them() {
        let names = ["ROLLING", "BLUE_GREEN", "CODE_DEPLOY"].map(strategy);
        assert_eq!(names, ["rolling", "blue/green", "CodeDeploy"]);
    }

    #[test]
    fn numbers_are_short_but_not_wrong() {
        assert_eq!(plain(1_234_567.0), "1,234,570");
        assert_eq!(plain(-0.25), "−0.25");
        assert_eq!(short(1234.5678, 3), "1,235");
        assert_eq!(short(12.3456, 3), "12.3");
        assert_eq!(short(0.012_345_6, 3), "0.0123");
        assert_eq!(aligned(33.0, 3), "33.0");
        assert_eq!(aligned(0.5, 3), "0.500");
        assert_eq!(aligned(1234.5, 3), "1,235");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
    }

    #[test]
    fn durations_have_at_most_two_units() {
        assert_eq!(duration(4.26), "4.3 s");
        assert_eq!(duration(310.0), "5 min 10 s");
        assert_eq!(duration(7200.0), "2 h");
        assert_eq!(duration(7260.0), "2 h 1 min");
        assert_eq!(duration(108_000.0), "1 d 6 h");
    }

    #[test]
    fn a_share_short_of_one_never_reads_a_hundred() {
        assert_eq!(share(1.0), "100 %");
        assert_eq!(share(0.9968), "99.7 %");
        assert_eq!(share(0.999_996), "99.9996 %");
        assert_eq!(share(0.5), "50.0 %");
    }
}
