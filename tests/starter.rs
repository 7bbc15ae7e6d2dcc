//! percept on its own weights, through the door: nothing here is played.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Home, REAL, sample};

#[test]
fn what_the_error_says_is_printed() {
    let home = Home::new();
    let ran = home.run(REAL, &["ask", "-a", &sample("error.png"), "What does the error say?"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "Permission denied: /etc/hosts\n"), "{ran:?}");
    let ran = home.run(REAL, &["ask", "--json", "-a", &sample("error.png"), "What does the error say?"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["answer"], "Permission denied: /etc/hosts");
    assert!(report["stats"]["encode_ms"].as_f64().unwrap() > 0.0, "{report}");
    let rows = report["ledger"]["entries"].as_array().unwrap();
    let image = rows.iter().find(|row| row["kind"] == "image").unwrap();
    assert!(image["encode_ms"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn a_picture_is_described_with_what_is_unsure() {
    let home = Home::new();
    let ran = home.run(REAL, &["describe", &sample("error.png")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.out.trim().is_empty());
}

#[test]
fn the_doctor_says_what_ggml_found_of_the_cpu() {
    let ran = Home::new().run(REAL, &["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["workers"][0]["engine"], "llama");
    if cfg!(target_arch = "x86_64") {
        let features = report["workers"][0]["cpu_features"].as_array().unwrap();
        assert!(features.iter().any(|feature| feature == "SSE3"), "{features:?}");
    }
}
