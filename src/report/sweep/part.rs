//! One part of a sweep as a file: a line that says which part of which sweep it is and carries a hash of the rows below.
//!
//! The rows are CSV with the figures to the last bit, so that tables made from parts are those that one process would
//! have made. A file that was cut short, altered or belongs elsewhere is told from a good one by its first line.

use super::Run;
use crate::report::provenance::fingerprint;
use crate::report::table::Value;
use crate::report::tables::runs;

/// Why the bytes of a file are not the part that was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("its first line is not that of a part")]
    NotAPart,
    #[error("it belongs to another sweep")]
    OfAnotherSweep,
    #[error("it is part {0}")]
    AnotherPart(u32),
    #[error("its rows do not match the hash in its first line")]
    WrongHash,
    #[error("its rows cannot be read")]
    WrongRows,
}

/// The file's name in the folder of parts.
pub fn file_name(part: u32) -> String {
    format!("part-{part:06}.csv")
}

/// The number of the part that a file is by its name.
pub fn number(file_name: &str) -> Option<u32> {
    let digits = file_name.strip_prefix("part-")?.strip_suffix(".csv")?;
    (digits.len() >= 6).then(|| digits.parse().ok()).flatten()
}

/// The bytes of a part. `sweep` tells sweeps apart ([`super::manifest::Manifest::identity`]).
pub fn write(sweep: &str, part: u32, rows: &[Run]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let header = ["point", "replication"].into_iter();
    let header = header.chain(runs::figures().iter().map(|column| column.name));
    writer.write_record(header).expect("writing to memory does not fail");
    for row in rows {
        let cells = [row.point.to_string(), row.replication.to_string()].into_iter();
        writer
            .write_record(cells.chain(row.figures.iter().map(Value::cell)))
            .expect("writing to memory does not fail");
    }
    let body = writer.into_inner().expect("writing to memory does not fail");
    let mut bytes = head(sweep, part, &body).into_bytes();
    bytes.extend(body);
    bytes
}

fn head(sweep: &str, part: u32, body: &[u8]) -> String {
    let hash = fingerprint([sweep.as_bytes(), &part.to_le_bytes(), body]);
    format!("# wavetank sweep {sweep} part {part} rows {hash}\n")
}

/// The rows of a part, if the bytes are whole and unaltered.
pub fn read(sweep: &str, part: u32, bytes: &[u8]) -> Result<Vec<Run>, Damage> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Damage::NotAPart)?;
    let (first, body) = bytes.split_at(end + 1);
    let first = std::str::from_utf8(first).map_err(|_| Damage::NotAPart)?;
    let words: Vec<&str> = first.trim_end().split(' ').collect();
    let ["#", "wavetank", "sweep", whose, "part", which, "rows", _] = words[..] else {
        return Err(Damage::NotAPart);
    };
    if whose != sweep {
        return Err(Damage::OfAnotherSweep);
    }
    let which: u32 = which.parse().map_err(|_| Damage::NotAPart)?;
    if which != part {
        return Err(Damage::AnotherPart(which));
    }
    if first != head(sweep, part, body) {
        return Err(Damage::WrongHash);
    }
    rows(body).ok_or(Damage::WrongRows)
}

fn rows(body: &[u8]) -> Option<Vec<Run>> {
    let mut rows = Vec::new();
    for record in csv::Reader::from_reader(body).records() {
        let record = record.ok()?;
        rows.push(Run {
            point: record.get(0)?.parse().ok()?,
            replication: record.get(1)?.parse().ok()?,
            figures: runs::parse(record.iter().skip(2))?,
        });
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn part() -> Vec<Run> {
        let shop = sample::shop();
        let record = &sample::runs(&shop, 1)[0];
        (0..3)
            .map(|replication| Run {
                point: 7,
                replication,
                figures: runs::of_run(&shop, record),
            })
            .collect()
    }

    #[test]
    fn a_part_reads_back_to_the_last_bit() {
        let rows = part();
        let bytes = write("fnv1a128:0", 4, &rows);
        assert_eq!(read("fnv1a128:0", 4, &bytes), Ok(rows));
        assert_eq!(number(&file_name(4)), Some(4));
        assert_eq!(number("part-4.csv"), None);
    }

    #[test]
    fn every_altered_byte_and_every_cut_is_seen() {
        let bytes = write("fnv1a128:0", 4, &part());
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(read("fnv1a128:0", 4, &altered).is_err(), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert!(read("fnv1a128:0", 4, &bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_part_of_another_sweep_or_place_is_told_apart() {
        let bytes = write("fnv1a128:0", 4, &part());
        assert_eq!(read("fnv1a128:1", 4, &bytes), Err(Damage::OfAnotherSweep));
        assert_eq!(read("fnv1a128:0", 5, &bytes), Err(Damage::AnotherPart(4)));
    }
}
