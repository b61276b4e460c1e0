//! Evenly spaced values of quantities: `2` to `8` by `2`, `512 MiB` to `2048 MiB` by `512 MiB`.
//!
//! Decimals are added exactly, so that the third tenth is `0.3` and the last step arrives where it was meant to. What the
//! values mean is not known here.

use serde_json::Value;

/// More values than this are a mistake.
pub const MOST: usize = 10_000;

/// Why there are no values between two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepsFlaw {
    /// The text is not a number with or without a unit.
    NotANumber(String),
    /// Two units that stand beside each other.
    Units(String, String),
    UpsideDown,
    /// The step is zero or negative.
    NoStep,
    TooMany,
}

/// A decimal number: `digits` / 10^`decimals`, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Quantity {
    digits: i128,
    decimals: u32,
    /// With the space before it, as written.
    unit: String,
}

/// The values, as they would be written.
pub fn expand(from: &Value, to: &Value, step: Option<&Value>) -> Result<Vec<String>, StepsFlaw> {
    let (from, to) = (quantity(from)?, quantity(to)?);
    let step = match step {
        Some(step) => quantity(step)?,
        None => Quantity {
            digits: 1,
            decimals: 0,
            unit: from.unit.clone(),
        },
    };
    for other in [&to, &step] {
        if from.unit.trim() != other.unit.trim() {
            return Err(StepsFlaw::Units(from.unit.trim().into(), other.unit.trim().into()));
        }
    }
    let decimals = from.decimals.max(to.decimals).max(step.decimals);
    let scaled = |it: &Quantity| it.digits * 10_i128.pow(decimals - it.decimals);
    let (first, last, width) = (scaled(&from), scaled(&to), scaled(&step));
    if width <= 0 {
        return Err(StepsFlaw::NoStep);
    }
    if first > last {
        return Err(StepsFlaw::UpsideDown);
    }
    let count = (last - first) / width + 1;
    if count > MOST as i128 {
        return Err(StepsFlaw::TooMany);
    }
    Ok((0..count)
        .map(|at| print(first + at * width, decimals) + &from.unit)
        .collect())
}

fn quantity(value: &Value) -> Result<Quantity, StepsFlaw> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        other => return Err(StepsFlaw::NotANumber(other.to_string())),
    };
    let flaw = || StepsFlaw::NotANumber(text.clone());
    let signed = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let end = signed
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(signed.len());
    let (number, unit) = signed.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    // So few that sums of them and powers of ten never overflow.
    if digits.is_empty() || digits.len() > 15 || fraction.contains('.') {
        return Err(flaw());
    }
    let digits: i128 = digits.parse().map_err(|_| flaw())?;
    Ok(Quantity {
        digits: if text.starts_with('-') { -digits } else { digits },
        decimals: fraction.len() as u32,
        unit: unit.to_owned(),
    })
}

fn print(digits: i128, decimals: u32) -> String {
    let scale = 10_i128.pow(decimals);
    let sign = if digits < 0 { "-" } else { "" };
    let (whole, fraction) = (digits.abs() / scale, digits.abs() % scale);
    let fraction = format!("{fraction:0width$}", width = decimals as usize);
    let fraction = fraction.trim_end_matches('0');
    if decimals == 0 || fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(from: Value, to: Value, step: Option<Value>) -> Result<Vec<String>, StepsFlaw> {
        expand(&from, &to, step.as_ref())
    }

    #[test]
    fn steps_are_exact_and_keep_their_unit() {
        assert_eq!(
            texts(json!("0.1s"), json!("0.4s"), Some(json!("0.1s"))),
            Ok(vec!["0.1s".into(), "0.2s".into(), "0.3s".into(), "0.4s".into()])
        );
        assert_eq!(
            texts(json!(2), json!(7), Some(json!(2))),
            Ok(vec!["2".into(), "4".into(), "6".into()])
        );
        assert_eq!(texts(json!("3 GiB"), json!("3 GiB"), None), Ok(vec!["3 GiB".into()]));
        assert_eq!(
            texts(json!("0.5 vCPU"), json!("1 vCPU"), Some(json!("0.25 vCPU"))),
            Ok(vec!["0.5 vCPU".into(), "0.75 vCPU".into(), "1 vCPU".into()])
        );
    }

    #[test]
    fn what_has_no_values_says_why() {
        assert_eq!(texts(json!(4), json!(2), None), Err(StepsFlaw::UpsideDown));
        assert_eq!(texts(json!(2), json!(4), Some(json!(0))), Err(StepsFlaw::NoStep));
        assert_eq!(texts(json!(2), json!(4), Some(json!(-1))), Err(StepsFlaw::NoStep));
        assert_eq!(
            texts(json!("512 MiB"), json!("2 GiB"), None),
            Err(StepsFlaw::Units("MiB".into(), "GiB".into()))
        );
        assert_eq!(
            texts(json!("many"), json!(2), None),
            Err(StepsFlaw::NotANumber("many".into()))
        );
        assert_eq!(texts(json!(1), json!(1_000_000), None), Err(StepsFlaw::TooMany));
    }
}
