//! Sizes that Fargate offers: memory for each CPU, and the task's storage.
//!
//! Source: `TaskDefinition.memory` and `EphemeralStorage` in the ECS API model (botocore 1.44.5, 2026-11). Linux; the
//! two largest CPU sizes need platform version 1.4.0.

use crate::units::{CpuUnits, MiB};
use std::ops::RangeInclusive;

/// GiB of ephemeral storage that every task has at no charge.
pub const STORAGE_INCLUDED_GIB: u32 = 20;

/// What may be asked for instead [BC:ecs EphemeralStorage.sizeInGiB].
pub const STORAGE_GIB: RangeInclusive<u32> = 21..=200;

/// Memory sizes of a CPU size, from `least` to `most` by `step`.
struct Row {
    cpu: CpuUnits,
    least: u64,
    most: u64,
    step: u64,
}

const fn row(cpu: u32, least: u64, most: u64, step: u64) -> Row {
    Row {
        cpu: CpuUnits(cpu),
        least,
        most,
        step,
    }
}

/// MiB. The smallest size has an odd one: 512 MiB, then whole GiB.
const TABLE: [Row; 7] = [
    row(256, 512, 2048, 1024),
    row(512, 1024, 4096, 1024),
    row(1024, 2048, 8192, 1024),
    row(2048, 4096, 16_384, 1024),
    row(4096, 8192, 30_720, 1024),
    row(8192, 16_384, 61_440, 4096),
    row(16_384, 32_768, 122_880, 8192),
];

/// All CPU sizes, ascending.
pub fn cpu_sizes() -> impl Iterator<Item = CpuUnits> {
    TABLE.iter().map(|row| row.cpu)
}

/// The memory sizes that go with a CPU size, ascending; none if Fargate has no such CPU size.
pub fn valid_memory(cpu: CpuUnits) -> Vec<MiB> {
    let Some(row) = TABLE.iter().find(|row| row.cpu == cpu) else {
        return Vec::new();
    };
    let whole = (row.least.next_multiple_of(row.step)..=row.most).step_by(row.step as usize);
    let odd = (!row.least.is_multiple_of(row.step)).then_some(row.least);
    odd.into_iter().chain(whole).map(MiB).collect()
}

/// Whether Fargate runs a task of this size.
pub fn is_valid(cpu: CpuUnits, memory: MiB) -> bool {
    valid_memory(cpu).contains(&memory)
}

/// The smallest size that holds both, by CPU first; `None` if none does.
pub fn smallest_holding(cpu: CpuUnits, memory: MiB) -> Option<(CpuUnits, MiB)> {
    let holding = |size: CpuUnits| {
        valid_memory(size)
            .into_iter()
            .find(|&each| each >= memory)
            .map(|each| (size, each))
    };
    cpu_sizes().filter(|&size| size >= cpu).find_map(holding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_sizes_are_as_published() {
        assert_eq!(valid_memory(CpuUnits(256)), [512, 1024, 2048].map(MiB));
        assert_eq!(valid_memory(CpuUnits(512)), [1024, 2048, 3072, 4096].map(MiB));
        assert_eq!(valid_memory(CpuUnits(4096)).len(), 23);
        assert_eq!(valid_memory(CpuUnits(8192)).first(), Some(&MiB(16 * 1024)));
        assert_eq!(valid_memory(CpuUnits(8192)).len(), 12);
        assert_eq!(valid_memory(CpuUnits(16_384)).last(), Some(&MiB(120 * 1024)));
        assert_eq!(valid_memory(CpuUnits(16_384)).len(), 12);
    }

    #[test]
    fn sizes_in_between_are_refused() {
        assert!(is_valid(CpuUnits(1024), MiB(2048)));
        assert!(!is_valid(CpuUnits(1024), MiB(1024)));
        assert!(!is_valid(CpuUnits(1024), MiB(2500)));
        assert!(!is_valid(CpuUnits(8192), MiB(17 * 1024)));
        assert!(!is_valid(CpuUnits(700), MiB(2048)));
    }

    #[test]
    fn every_listed_size_is_valid_and_in_order() {
        for cpu in cpu_sizes() {
            let sizes = valid_memory(cpu);
            assert!(sizes.is_sorted() && sizes.iter().all(|&memory| is_valid(cpu, memory)));
            assert!(sizes.len() >= 3);
        }
        assert!(cpu_sizes().is_sorted());
    }

    #[test]
    fn the_smallest_size_holds_what_is_asked() {
        assert_eq!(
            smallest_holding(CpuUnits(300), MiB(600)),
            Some((CpuUnits(512), MiB(1024)))
        );
        assert_eq!(
            smallest_holding(CpuUnits(256), MiB(5000)),
            Some((CpuUnits(1024), MiB(5120)))
        );
        assert_eq!(smallest_holding(CpuUnits(256), MiB(200_000)), None);
    }
}
