//! Dates and times of day in UTC, as seconds since 1970, and the calendar that they need.
//!
//! Days are counted by the Gregorian calendar's own arithmetic (eras of 400 years); leap seconds and time zones do not
//! exist here.

use super::Flaw;

const SECONDS_PER_DAY: i64 = 86_400;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The day that lies so many days after 1970-01-01.
    pub fn from_days(days: i64) -> Date {
        let shifted = days + 719_468; // from 0000-03-01, so that leap days end a year
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month, day }
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// 0 is Sunday.
    pub fn weekday(self) -> u32 {
        (self.days() + 4).rem_euclid(7) as u32
    }
}

/// `2026-11-27T18:00:00Z`, with or without seconds, as seconds since 1970.
pub fn moment(text: &str) -> Result<i64, Flaw> {
    let text = text.trim().strip_suffix('Z').ok_or(Flaw::Malformed)?;
    let (date, time) = text.split_once('T').ok_or(Flaw::Malformed)?;
    let number = |text: Option<&str>, digits: usize| -> Result<i64, Flaw> {
        let text = text.filter(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()));
        text.and_then(|text| text.parse().ok()).ok_or(Flaw::Malformed)
    };
    let mut parts = date.split('-');
    let (year, month, day) = (
        number(parts.next(), 4)?,
        number(parts.next(), 2)?,
        number(parts.next(), 2)?,
    );
    let mut clock = time.split(':');
    let (hour, minute) = (number(clock.next(), 2)?, number(clock.next(), 2)?);
    let second = clock.next().map_or(Ok(0), |second| number(Some(second), 2))?;
    if parts.next().is_some() || clock.next().is_some() {
        return Err(Flaw::Malformed);
    }
    let date = Date {
        year,
        month: month as u32,
        day: day as u32,
    };
    let exists = (1..=12).contains(&month) && Date::from_days(date.days()) == date;
    if !exists || hour > 23 || minute > 59 || second > 59 {
        return Err(Flaw::OutOfRange("not a day and time that exist"));
    }
    Ok(date.days() * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

pub fn print_moment(seconds: i64) -> String {
    let Date { year, month, day } = Date::from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
