//! Whether each line is with its like, on real logs labelled by people.

use crate::corpus::{SYSTEMS, digest, grouping_accuracy, real, templates, truth};

/// What the average of the systems must reach at least.
const LEAST: f64 = 0.90;

#[test]
fn lines_are_grouped_as_people_grouped_them() {
    let mut reached = Vec::new();
    for system in SYSTEMS {
        let Some(log) = real(system) else { return };
        let digest = digest(&log);
        let accuracy = grouping_accuracy(&truth(&log), &templates(&digest));
        println!("{system:<10} grouping accuracy {accuracy:.4}, {} templates", digest.templates.len());
        reached.push(accuracy);
    }
    let average = reached.iter().sum::<f64>() / reached.len() as f64;
    println!("average    grouping accuracy {average:.4}");
    assert!(average >= LEAST, "{average:.4} is less than {LEAST}");
}

#[test]
fn counts_of_templates_are_what_the_lines_say() {
    for system in SYSTEMS {
        let Some(log) = real(system) else { return };
        let digest = digest(&log);
        for template in &digest.templates {
            let query =
                percept::digest::Query { templates: vec![template.id], limit: 1, ..Default::default() };
            let answer = percept::digest::query(&digest, &query, &crate::corpus::NEVER).unwrap();
            assert_eq!(answer.found, template.count, "{system}: {}", template.text);
        }
    }
}
