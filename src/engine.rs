//! The kernel: calendar, arenas, random draws and distributions. It has no word of clusters.
