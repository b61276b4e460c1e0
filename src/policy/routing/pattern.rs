//! Patterns of paths and hosts in listener rules and routes: `*` for any run of characters, `?` for exactly one.
//!
//! Paths are compared case-sensitively and without their query string, everything else without regard to case [BC:elbv2
//! PathPatternConfig, HostHeaderConfig]. Only for build time: a class of requests is routed once.

/// Whether a pattern takes a request's path; what follows a `?` in the path is not looked at.
pub fn path_matches(pattern: &str, path: &str) -> bool {
    matches(pattern, path.split('?').next().unwrap_or_default())
}

/// Whether a pattern takes a host, a header's value, or a key or value of a query string.
pub fn text_matches(pattern: &str, text: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// Greedy matching that goes back to the last `*` only: each `*` before it may as well keep what it took first.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                None => return false,
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
            },
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_match_as_in_the_guides_examples() {
        for (pattern, path, wanted) in [
            ("/img/*", "/img/picture.jpg", true),
            ("/img/*", "/img/", true),
            ("/img/*", "/img", false),
            ("/img/*/pics", "/img/2026/11/pics", true),
            ("/img/*/pics", "/img/pics", false),
            ("/img/*", "/IMG/picture.jpg", false),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("*", "", true),
            ("/buy*", "/buy", true),
            ("/*x*y", "/xxyzy", true),
            ("/*x*y", "/xyz", false),
        ] {
            assert_eq!(path_matches(pattern, path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn the_query_string_is_not_part_of_the_path() {
        assert!(path_matches("/search", "/search?q=shoes"));
        assert!(!path_matches("*shoes", "/search?q=shoes"));
    }

    #[test]
    fn hosts_match_without_regard_to_case() {
        assert!(text_matches("*.example.com", "Test.EXAMPLE.com"));
        assert!(!text_matches("*.example.com", "example.com"));
        assert!(text_matches("EXAMPLE.com", "example.com"));
        assert!(text_matches("shop-?.example.com", "shop-3.example.com"));
    }

    /// The definition, by recursion.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                by_definition(&pattern[1..], text) || (!text.is_empty() && by_definition(pattern, &text[1..]))
            }
            (Some(&wanted), Some(&seen)) if wanted == '?' || wanted == seen => by_definition(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_follows_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), by_definition(&p, &t));
        }
    }
}
