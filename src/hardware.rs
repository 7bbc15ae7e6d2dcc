//! What this machine has: memory and cores.

/// Memory, in bytes; 0 where the system says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it. In a container its own limit counts.
    pub total: u64,
    /// What can be had without taking it from other programs.
    pub free: u64,
}

/// The memory as it is now.
pub fn memory() -> Memory {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let (total, free) = (system.total_memory(), system.available_memory());
    match system.cgroup_limits() {
        // Its `free_memory` counts cached files as used, which are given back when they must be.
        Some(limits) => {
            let own = limits.total_memory.saturating_sub(limits.rss);
            Memory { total: total.min(limits.total_memory), free: free.min(own) }
        }
        None => Memory { total, free },
    }
}

/// Cores that compute at the same time, no more than this process may use; at least one.
pub fn physical_cores() -> u32 {
    let most = std::thread::available_parallelism().map_or(usize::MAX, usize::from);
    let cores = sysinfo::System::physical_core_count().unwrap_or(most);
    u32::try_from(cores.min(most)).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_both() {
        let Memory { total, free } = memory();
        assert!(free > 0 && free <= total, "{free} of {total}");
        assert!((1..=4096).contains(&physical_cores()));
    }
}
