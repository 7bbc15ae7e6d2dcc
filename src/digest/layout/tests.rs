use super::*;

fn reference() -> Reference {
    Reference::at(1_772_323_200_000)
}

/// Learns from lines, and reads the last of them.
fn read(lines: &[&str]) -> (Layout, Option<Level>, String, String, bool) {
    let sample: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let layout = Layout::learn(&sample, reference());
    let last = sample[sample.len() - 1];
    let entry = layout.read(last, reference()).expect("the line has a header");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (layout.clone(), entry.level, text(entry.component), text(&entry.message), entry.stamp.is_some())
}

/// Lines of a log of this form (with some variety), and what its last line says: level,
/// component, message.
type Form = (&'static str, &'static [&'static str], Option<Level>, &'static str, &'static str);

const FORMS: &[Form] = &[
    (
        "hdfs",
        &[
            "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38 terminating",
            "081109 204005 35 WARN dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated",
        ],
        Some(Level::Warn),
        "dfs.FSNamesystem",
        "BLOCK* NameSystem.addStoredBlock: blockMap updated",
    ),
    (
        "hadoop",
        &[
            "2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.MRAppMaster: Created MRAppMaster",
            "2015-10-18 18:01:48,963 ERROR [IPC Server handler 3 on 62270] org.apache.hadoop.Foo: Failed to renew lease",
        ],
        Some(Level::Error),
        "org.apache.hadoop.Foo",
        "Failed to renew lease",
    ),
    (
        "spark",
        &[
            "17/06/09 20:10:40 INFO executor.CoarseGrainedExecutorBackend: Registered signal handlers",
            "17/06/09 20:10:45 INFO spark.SecurityManager: Changing view acls to: yarn,curi",
        ],
        Some(Level::Info),
        "spark.SecurityManager",
        "Changing view acls to: yarn,curi",
    ),
    (
        "zookeeper",
        &[
            "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Notification time out: 3200",
            "2015-07-29 19:04:29,071 - WARN  [SendWorker:188978561024:QuorumCnxManager$SendWorker@688] - Send worker leaving thread",
        ],
        Some(Level::Warn),
        "SendWorker:188978561024:QuorumCnxManager$SendWorker@688",
        "Send worker leaving thread",
    ),
    (
        "supercomputer",
        &[
            "- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.675872 R02-M1-N0-C:J12-U11 RAS KERNEL INFO instruction cache parity error corrected",
            "APPREAD 1117869872 2005.06.04 R04-M1-N4-I:J18-U11 2005-06-04-00.24.32.432192 R04-M1-N4-I:J18-U11 RAS APP FATAL ciod: failed to read message prefix",
        ],
        Some(Level::Fatal),
        "",
        "ciod: failed to read message prefix",
    ),
    (
        "cluster",
        &[
            "134681 node-246 unix.hw state_change.unavailable 1077804742 1 Component State Change: Component alt0 is in the unavailable state",
            "350766 node-109 unix.hw state_change.unavailable 1084680778 1 running running",
        ],
        None,
        "",
        "running running",
    ),
    (
        "cluster syslog",
        &[
            "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: session closed for user root",
            "- 1131566467 2005.11.09 tbird-admin1 Nov 9 12:01:07 local@tbird-admin1 postfix/postdrop[10896]: warning: unable to look up public/pickup: No such file",
        ],
        None,
        "postfix/postdrop",
        "warning: unable to look up public/pickup: No such file",
    ),
    (
        "servicing",
        &[
            "2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack v6.1.7601.23505",
            "2016-09-28 04:30:31, Error                 CSI    00000001@2016/9/27:20:30:31.455 WcpInitialize called",
        ],
        Some(Level::Error),
        "CSI",
        "00000001@2016/9/27:20:30:31.455 WcpInitialize called",
    ),
    (
        "phone",
        &[
            "03-17 16:13:38.811  1702  2395 D WindowManager: printFreezingDisplayLogs",
            "03-17 16:13:38.859  2227  2227 E TextView: visible is system.time.showampm",
        ],
        Some(Level::Error),
        "TextView",
        "visible is system.time.showampm",
    ),
    (
        "steps",
        &[
            "20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579",
            "20171223-22:15:29:635|Step_StandReportReceiver|30002312|REPORT : 7007 5002 150089 240",
        ],
        None,
        "Step_StandReportReceiver",
        "REPORT : 7007 5002 150089 240",
    ),
    (
        "apache error",
        &[
            "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/x",
            "[Sun Dec 04 04:47:44 2005] [notice] jk2_init() Found child",
            "[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state 6",
        ],
        Some(Level::Error),
        "",
        "mod_jk child workerEnv in error state 6",
    ),
    (
        "proxy",
        &[
            "[10.30 16:49:06] chrome.exe - proxy.example.org:5070 open through proxy proxy.example.org:5070 HTTPS",
            "[10.30 16:49:06] Dropbox.exe *64 - proxy.example.org:5070 close, 0 bytes sent, 0 bytes received, lifetime 00:01",
        ],
        None,
        "Dropbox.exe *64",
        "proxy.example.org:5070 close, 0 bytes sent, 0 bytes received, lifetime 00:01",
    ),
    (
        "ssh",
        &[
            "Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster from 173.234.31.186",
            "Dec 10 06:55:46 LabSZ sshd[24200]: pam_unix(sshd:auth): check pass; user unknown",
        ],
        None,
        "sshd",
        "pam_unix(sshd:auth): check pass; user unknown",
    ),
    (
        "cloud",
        &[
            "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b 113d3a 54fadb - - -] 10.11.10.1 \"GET /v2/x HTTP/1.1\" status: 200",
            "nova-compute.log.1.2017-05-16_13:55:31 2017-05-16 00:00:04.500 2931 INFO nova.compute.manager [req-3ea4052c - - - - -] [instance: b9000564] VM Started (Lifecycle Event)",
        ],
        Some(Level::Info),
        "nova.compute.manager",
        "VM Started (Lifecycle Event)",
    ),
    (
        "desktop",
        &[
            "Jul  1 09:00:55 calvisitor-10-105-160-95 kernel[0]: IOThunderboltSwitch<0>(0x0)::listenerCallback",
            "Jul  1 09:06:41 calvisitor-10-105-160-95 com.apple.xpc.launchd[1] (com.apple.WebContent.37643): Service exited",
        ],
        None,
        "com.apple.xpc.launchd",
        "Service exited",
    ),
    (
        "rfc 5424",
        &[
            "<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog[12]: x An application event",
            "<163>1 2003-10-11T22:14:16.003Z host.example.com su[1]: failed",
        ],
        Some(Level::Error),
        "su",
        "failed",
    ),
    (
        "rfc 5424, structured",
        &[
            "<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog - ID47 [a@1 x=\"y z\"][b@2] An application event",
            "<34>1 2003-10-11T22:14:16.003Z host.example.com su 77 ID47 - failed for lonvick",
        ],
        Some(Level::Fatal),
        "su",
        "failed for lonvick",
    ),
    (
        "python",
        &[
            "2024-01-01 10:00:00,123 - my.module - INFO - started",
            "2024-01-01 10:00:01,123 - my.module - ERROR - it broke",
        ],
        Some(Level::Error),
        "",
        "it broke",
    ),
    (
        "logback",
        &[
            "10:00:00.123 [main] INFO  com.example.Main - started",
            "10:00:01.123 [http-nio 8080 exec-1] ERROR com.example.Api - it broke",
        ],
        Some(Level::Error),
        "com.example.Api",
        "it broke",
    ),
    (
        "tracing",
        &[
            "2024-01-01T00:00:00.000000Z  INFO my_app::start: started",
            "2024-01-01T00:00:00.000000Z ERROR my_app::api: it broke: 5",
        ],
        Some(Level::Error),
        "my_app::api",
        "it broke: 5",
    ),
    (
        "env_logger",
        &["[2024-01-01T00:00:00Z INFO  my_app] started", "[2024-01-01T00:00:00Z ERROR my_app] it broke"],
        Some(Level::Error),
        "my_app",
        "it broke",
    ),
    (
        "klog",
        &[
            "I0102 15:04:05.678901    1234 server.go:123] started",
            "E0102 15:04:06.678901    1234 server.go:200] it broke",
        ],
        Some(Level::Error),
        "server.go:200",
        "it broke",
    ),
    (
        "go",
        &["2024/01/02 15:04:05 started", "2024/01/02 15:04:06 it broke: badly"],
        None,
        "",
        "it broke: badly",
    ),
    (
        "nginx error",
        &[
            "2024/01/02 15:04:05 [error] 123#123: *1 connect() failed (111: Connection refused)",
            "2024/01/02 15:04:06 [warn] 123#123: *2 upstream",
        ],
        Some(Level::Warn),
        "123#123",
        "*2 upstream",
    ),
    (
        "access",
        &[
            "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326 \"-\" \"curl\"",
            "10.0.0.1 - bob [10/Oct/2000:13:55:37 -0700] \"POST /pay HTTP/1.0\" 503 12",
        ],
        Some(Level::Error),
        "",
        "POST /pay HTTP/1.0\" 503",
    ),
    (
        "json",
        &[
            r#"{"ts":"2024-01-01T00:00:00Z","level":"info","msg":"started","n":1}"#,
            r#"{"ts":1700000000.5,"level":"error","logger":"api","msg":"it broke","error":"EOF"}"#,
        ],
        Some(Level::Error),
        "api",
        "it broke: EOF",
    ),
    (
        "pino",
        &[
            r#"{"level":30,"time":1700000000000,"pid":1,"msg":"started"}"#,
            r#"{"level":50,"time":1700000000001,"pid":1,"err":{"type":"Error","message":"boom"}}"#,
        ],
        Some(Level::Error),
        "",
        "boom",
    ),
    (
        "journald",
        &[
            r#"{"__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"6","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"ok"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"kernel","MESSAGE":"oops"}"#,
        ],
        Some(Level::Error),
        "kernel",
        "oops",
    ),
    (
        "logfmt",
        &[
            r#"time=2024-01-01T00:00:00Z level=info msg="started up" n=1"#,
            r#"time=2024-01-01T00:00:01Z level=error msg="it broke" err=EOF component=api"#,
        ],
        Some(Level::Error),
        "api",
        "it broke: EOF",
    ),
    (
        "docker",
        &[
            r#"{"log":"2024-01-01 10:00:00 ERROR it broke\n","stream":"stdout","time":"2024-01-01T10:00:00.1Z"}"#,
            r#"{"log":"2024-01-01 10:00:01 WARN it bends\n","stream":"stdout","time":"2024-01-01T10:00:01.1Z"}"#,
        ],
        Some(Level::Warn),
        "",
        "it bends",
    ),
    (
        "cri",
        &[
            "2016-10-06T00:17:09.669794202Z stdout F ERROR: it broke",
            "2016-10-06T00:17:09.669794203Z stderr F WARN: it bends",
        ],
        Some(Level::Warn),
        "",
        "it bends",
    ),
    (
        "kernel",
        &["[    0.000000] Linux version 6.1", "[   12.345678] usb 1-1: device descriptor read/64, error -71"],
        None,
        "",
        "usb 1-1: device descriptor read/64, error -71",
    ),
];

#[test]
fn the_forms_of_logs_are_learnt_and_read() {
    let mut wrong = Vec::new();
    for (name, lines, level, component, message) in FORMS {
        let (layout, found, in_component, says, stamped) = read(lines);
        let component_fits = component.is_empty() || *component == in_component;
        if (found, says.as_str()) != (*level, *message) || !component_fits || !stamped {
            wrong.push(format!("{name}: {found:?} [{in_component}] {says}\n  {layout:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_without_times_have_levels_where_they_say_so() {
    for (line, level, message) in [
        ("ERROR: it broke", Some(Level::Error), "it broke"),
        ("ERROR:root:it broke", Some(Level::Error), "ERROR:root:it broke"),
        ("error[E0308]: mismatched types", Some(Level::Error), "error[E0308]: mismatched types"),
        ("warning: unused variable", Some(Level::Warn), "warning: unused variable"),
        ("[WARN] careful", Some(Level::Warn), "careful"),
        ("information is power", None, "information is power"),
        ("5: five", None, "5: five"),
        ("plain words", None, "plain words"),
    ] {
        let entry = Layout::Plain.read(line.as_bytes(), reference()).unwrap();
        assert_eq!((entry.level, &*entry.message), (level, message.as_bytes()), "{line}");
    }
}

#[test]
fn prose_has_no_columns() {
    let prose = ["# Title", "Some words, and more.", "Another line of prose", "The end: it is here."];
    let sample: Vec<&[u8]> = prose.iter().map(|line| line.as_bytes()).collect();
    assert_eq!(Layout::learn(&sample, reference()), Layout::Plain);
}

proptest::proptest! {
    #[test]
    fn no_lines_panic(lines in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 1..80), 1..12)) {
        let sample: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let layout = Layout::learn(&sample, reference());
        for line in &sample {
            let _ = layout.read(line, reference());
        }
    }

    #[test]
    fn every_form_survives_damage(form in 0..FORMS.len(), cut in 0usize..200, noise in proptest::num::u8::ANY) {
        let (_, lines, ..) = FORMS[form];
        let sample: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let layout = Layout::learn(&sample, reference());
        let mut line = sample[0].to_vec();
        line.truncate(cut);
        let _ = layout.read(&line, reference());
        if let Some(byte) = line.last_mut() {
            *byte = noise;
        }
        let _ = layout.read(&line, reference());
    }
}

#[test]
fn an_export_of_the_journal_is_read_record_by_record() {
    let export = "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000000000\nPRIORITY=3\n_PID=1\nMESSAGE=disk full\n\n\
                  __CURSOR=s=2\n__REALTIME_TIMESTAMP=1700000001000000\n_CMDLINE=an error\nMESSAGE=ok\n\n";
    let lines: Vec<&[u8]> = export.lines().map(str::as_bytes).collect();
    let sample: Vec<&[u8]> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    let layout = Layout::learn(&sample, reference());
    assert_eq!(layout, Layout::Export);
    let mut record = Record::default();
    let entries: Vec<_> = lines.iter().filter_map(|line| record.read(line)).collect();
    let said: Vec<_> = entries
        .iter()
        .map(|entry| (entry.level, &*entry.message, entry.stamp.map(|stamp| stamp.ms)))
        .collect();
    assert_eq!(
        said,
        [
            (Some(Level::Error), &b"disk full"[..], Some(1_700_000_000_000)),
            (None, &b"ok"[..], Some(1_700_000_001_000))
        ]
    );
}
