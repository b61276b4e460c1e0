//! Published On-Demand prices of us-east-1 in US dollars, without tax and free tier.
//!
//! Each figure names its source and date. EC2 prices stand in the table of instance types. Discounts, rounding and what
//! is billed when belong to the cost probe.

use std::time::Duration;

/// Prices of Fargate for one architecture (Linux).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FargatePrice {
    pub vcpu_hour: f64,
    pub gb_hour: f64,
}

/// AWS price list of 2025-07-07 (29.55 USD a vCPU and 3.245 USD a GB for 730 h).
pub const FARGATE_X86: FargatePrice = FargatePrice {
    vcpu_hour: 0.04048,
    gb_hour: 0.004445,
};

/// vantage.sh, Fargate pricing (undated); about 20 % below x86 confirmed 2026-06-17.
pub const FARGATE_ARM: FargatePrice = FargatePrice {
    vcpu_hour: 0.03238,
    gb_hour: 0.00356,
};

/// MODEL: AWS says "up to 70 % off"; the price varies. Share of the On-Demand price.
pub const FARGATE_SPOT_SHARE: f64 = 0.3;

/// MODEL: AWS says "up to 90 % off"; the price varies. Share of the On-Demand price of an instance.
pub const EC2_SPOT_SHARE: f64 = 0.3;

/// Ephemeral storage above what is included, a GB-hour (vantage.sh, cloudtoggle.com 2026).
pub const FARGATE_STORAGE_GB_HOUR: f64 = 0.000111;

/// The least that a Fargate task is billed for (vantage.sh, wring.co 2026).
pub const FARGATE_MINIMUM: Duration = Duration::from_secs(60);

/// The least that a Linux instance is billed for (EC2, per-second billing).
pub const EC2_MINIMUM: Duration = Duration::from_secs(60);

/// Application Load Balancer, an hour or part of it (AWS price list of 2024-07-01: 16.43 USD for 730 h).
pub const ALB_HOUR: f64 = 0.0225;

/// One load balancer capacity unit for an hour (AWS price list of 2024-07-01: 5.84 USD for 730 h).
pub const LCU_HOUR: f64 = 0.008;

/// What one capacity unit holds; an hour is billed by the dimension that needs the most
/// [handbook.vantage.sh, elb-pricing].
pub mod lcu {
    pub const NEW_CONNECTIONS_PER_SECOND: f64 = 25.0;
    /// Sampled once a minute.
    pub const ACTIVE_CONNECTIONS: f64 = 3_000.0;
    /// Instance, container and IP targets.
    pub const GB_PER_HOUR: f64 = 1.0;
    pub const RULE_EVALUATIONS_PER_SECOND: f64 = 1_000.0;
    /// Of the rules processed for a request, so many are free.
    pub const FREE_RULES: u32 = 10;
}

/// Public IPv4 address, an hour, since 2024-02-01 (cloudcostchefs.com 2026).
pub const PUBLIC_IPV4_HOUR: f64 = 0.005;

/// CloudWatch alarm of standard resolution, a month and metric (AWS price list of 2024-07-01).
pub const ALARM_MONTH: f64 = 0.10;

/// Transfer between zones, a GB and direction (AWS price list of 2024-09-25). A balancer's own transfer to its targets
/// is free of it.
pub const CROSS_ZONE_GB: f64 = 0.01;

/// A month as AWS's calculators count it.
pub const HOURS_PER_MONTH: f64 = 730.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hourly_prices_give_the_monthly_figures_of_the_price_list() {
        let month = |hourly: f64| (hourly * HOURS_PER_MONTH * 100.0).round() / 100.0;
        assert_eq!(month(FARGATE_X86.vcpu_hour), 29.55);
        assert_eq!(month(2.0 * FARGATE_X86.gb_hour), 6.49);
        assert_eq!(month(ALB_HOUR), 16.43);
        assert_eq!(month(LCU_HOUR), 5.84);
    }

    #[test]
    fn arm_is_about_a_fifth_cheaper() {
        assert!((FARGATE_ARM.vcpu_hour / FARGATE_X86.vcpu_hour - 0.8).abs() < 0.01);
        assert!((FARGATE_ARM.gb_hour / FARGATE_X86.gb_hour - 0.8).abs() < 0.01);
    }
}
