//! Whether each line is with its like, on logs written as many systems write, where the
//! truth is known because the lines were made.

use crate::corpus::{Dice, digest, file, grouping_accuracy, templates};
use crate::make::Family;

/// The average of all, and the worst of them.
const LEAST: f64 = 0.95;
const WORST: f64 = 0.80;

const FAMILIES: &[Family] = &[
    Family {
        name: "hdfs",
        header: "081109 2035{two} {int} INFO dfs.DataNode$PacketResponder: ",
        messages: &[
            "Receiving block {block} src: /{ip}:{int} dest: /{ip}:50010",
            "BLOCK* NameSystem.addStoredBlock: blockMap updated: {ip}:50010 is added to {block} size {int}",
            "PacketResponder {n} for block {block} terminating",
            "Received block {block} of size {int} from /{ip}",
            "BLOCK* NameSystem.allocateBlock: /user/root/rand{n}/_temporary/_task_2008{int}_000{n}_m_00{n}_0/part-00{n}. {block}",
            "Verification succeeded for {block}",
            "Deleting block {block} file /mnt/hadoop/dfs/data/current/{block}",
            "BLOCK* NameSystem.delete: {block} is added to invalidSet of {ip}:50010",
            "{ip}:50010 Served block {block} to /{ip}",
            "{ip}:50010:Got exception while serving {block} to /{ip}:",
            "BLOCK* ask {ip}:50010 to replicate {block} to datanode(s) {ip}:50010",
            "writeBlock {block} received exception java.io.IOException: Connection reset by peer",
            "Changing block file offset of block {block} from {int} to {int} meta file offset to {int}",
            "Exception in receiveBlock for block {block} java.io.IOException: Connection reset by peer",
            "Unexpected error trying to delete block {block}. BlockInfo not found in volumeMap.",
        ],
    },
    Family {
        name: "hadoop",
        header: "2015-10-18 {clock},{ms} INFO [AsyncDispatcher event handler] org.apache.hadoop.mapreduce.v2.app.job.impl.TaskAttemptImpl: ",
        messages: &[
            "attempt_14451444{int}_0021_m_0000{n}_0 TaskAttempt Transitioned from NEW to UNASSIGNED",
            "attempt_14451444{int}_0021_m_0000{n}_0 TaskAttempt Transitioned from UNASSIGNED to ASSIGNED",
            "attempt_14451444{int}_0021_m_0000{n}_0 TaskAttempt Transitioned from ASSIGNED to RUNNING",
            "task_14451444{int}_0021_m_0000{n} Task Transitioned from NEW to SCHEDULED",
            "Progress of TaskAttempt attempt_14451444{int}_0021_m_0000{n}_0 is : {float}",
            "Before Scheduling: PendingReds:{n} ScheduledMaps:{n} ScheduledReds:{n} AssignedMaps:{n} AssignedReds:{n} CompletedMaps:{n}",
            "Recalculating schedule, headroom=<memory:{int}, vCores:{signed}>",
            "Reduce slow start threshold not met. completedMapsForReduceSlowstart {n}",
            "Assigned container container_14451444{int}_0021_01_0000{n} to attempt_14451444{int}_0021_m_0000{n}_0",
            "JVM with ID : jvm_14451444{int}_0021_m_0000{n} asked for a task",
            "Auth successful for job_14451444{int}_0021 (auth:SIMPLE)",
            "DFSOutputStream ResponseProcessor exception for block BP-{int}-{ip}-{int}:{block}_{int}",
            "Address change detected. Old: {host}/{ip}:9000 New: {host}:9000",
            "Retrying connect to server: {host}:9000. Already tried {n} time(s); retry policy is RetryUpToMaximumCountWithFixedSleep(maxRetries={n}, sleepTime={int} MILLISECONDS)",
            "Registering class {class} for class {class}",
            "Event Writer setup for JobId: job_14451444{int}_0021, File: hdfs://{host}:9000/tmp/job_14451444{int}_0021_1.jhist",
        ],
    },
    Family {
        name: "spark",
        header: "17/06/09 {clock} INFO executor.CoarseGrainedExecutorBackend: ",
        messages: &[
            "Got assigned task {int}",
            "Running task {n}.0 in stage {n}.0 (TID {int})",
            "Finished task {n}.0 in stage {n}.0 (TID {int}). {int} bytes result sent to driver",
            "Found block rdd_{n}_{n} locally",
            "Block broadcast_{n}_piece0 stored as bytes in memory (estimated size {float} KB, free {float} MB)",
            "Reading broadcast variable {n} took {int} ms",
            "Started reading broadcast variable {n}",
            "Input split: hdfs://{ip}:9000/pjhe/logs/2kSOSP.log:{int}+{int}",
            "Times: total = {int}, boot = {signed}, init = {int}, finish = {n}",
            "Registered signal handlers for [TERM, HUP, INT]",
            "Changing view acls to: {user},{user}",
            "SecurityManager: authentication disabled; ui acls disabled; users with view permissions: Set({user}, {user}); users with modify permissions: Set({user}, {user})",
            "Successfully started service 'sparkExecutorActorSystem' on port {int}.",
            "Connecting to driver: spark://CoarseGrainedScheduler@{ip}:{int}",
            "Registered BlockManager",
            "Saved output of task 'attempt_2017{int}_0001_m_0000{n}_{n}' to hdfs://{ip}:9000/out/_temporary/0/task_2017{int}_m_0000{n}",
        ],
    },
    Family {
        name: "openstack",
        header: "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 {clock}.{ms} 25746 INFO nova.osapi_compute.wsgi.server [req-{uuid} {long} {long} - - -] ",
        messages: &[
            "{ip} \"GET /v2/{long}/servers/detail HTTP/1.1\" status: 200 len: {int} time: {float}",
            "{ip} \"POST /v2/{long}/os-server-external-events HTTP/1.1\" status: 200 len: {int} time: {float}",
            "[instance: {uuid}] VM Started (Lifecycle Event)",
            "[instance: {uuid}] VM Paused (Lifecycle Event)",
            "[instance: {uuid}] VM Resumed (Lifecycle Event)",
            "[instance: {uuid}] Took {float} seconds to build instance.",
            "[instance: {uuid}] Took {float} seconds to spawn the instance on the hypervisor.",
            "[instance: {uuid}] Attempting claim: memory {int} MB, disk {n} GB, vcpus {n} CPU",
            "[instance: {uuid}] Total memory: {int} MB, used: {float} MB",
            "[instance: {uuid}] memory limit: {float} MB, free: {float} MB",
            "[instance: {uuid}] Creating image",
            "[instance: {uuid}] Deletion of /var/lib/nova/instances/{uuid}_del complete",
            "image {uuid} at (/var/lib/nova/instances/_base/{long}): checking",
            "image {uuid} at (/var/lib/nova/instances/_base/{long}): in use: on this node {n} local, {n} on other nodes sharing this instance storage",
            "Active base files: /var/lib/nova/instances/_base/{long}",
            "Creating event network-vif-plugged:{uuid} for instance {uuid}",
            "While synchronizing instance power states, found {n} instances in the database and {n} instances on the hypervisor.",
        ],
    },
    Family {
        name: "bgl",
        header: "- 1117838570 2005.06.03 {node} 2005-06-03-15.42.50.{int} {node} RAS KERNEL INFO ",
        messages: &[
            "instruction cache parity error corrected",
            "{n} double-hummer alignment exceptions",
            "generating core.{int}",
            "CE sym {n}, at 0x{hex}, mask 0x{n}",
            "total of {n} ddr error(s) detected and corrected",
            "ciod: failed to read message prefix on control stream (CioStream socket to {ip}:{int}",
            "data TLB error interrupt",
            "ciod: Error loading {path}: invalid or missing program image, No such file or directory",
            "ddr: excessive soft failures, consider replacing the card",
            "machine check interrupt (bit=0x{n}): L2 dcache unit data parity error",
            "{n} floating point alignment exceptions",
            "iar {hex} dear {hex}",
            "rts: kernel terminated for reason {int}",
            "ciod: LOGIN chdir({path}) failed: No such file or directory",
            "L3 ecc control register: {hex}",
            "NodeCard is not fully functional",
            "fpr{n}=0x{hex} {hex} {hex} {hex}",
            "MidplaneSwitchController performing bit sparing on {node} bit {n}",
        ],
    },
    Family {
        name: "hpc",
        header: "{int} node-{n} unix.hw state_change.unavailable 1084680778 1 ",
        messages: &[
            "Component State Change: Component \\042alt0\\042 is in the unavailable state (HWID={int})",
            "PSU status ( {word} {word} )",
            "ambient={n}",
            "Fan speeds ( {n} {n} {n} {n} {n} {n} )",
            "Link error on broadcast tree Interconnect-0T00:00:{n}:{n}",
            "ClusterFileSystem: There is no server for ServerFileSystem domain storage{int}",
            "Targeting domains:node-D{n} and nodes:node-[{n}-{n}] child of command {int}",
            "boot (command {int}) Error: node-{n} did not boot",
            "NIFF: node node-{n} has detected an available network connection on network 10.{n}.0.0 via interface alt0",
            "ServerFileSystem: An ServerFileSystem domain panic has occurred on storage{int}",
            "Temperature ({n}) exceeds warning threshold",
            "inconsistent nodesets node-{n} 0x{hex} <ok> node-{n} 0x{hex} <ok>",
        ],
    },
    Family {
        name: "thunderbird",
        header: "- 1131566461 2005.11.09 dn{int} Nov 9 {clock} dn{int}/dn{int} ",
        messages: &[
            "crond(pam_unix)[{int}]: session opened for user {user} by (uid={n})",
            "crond(pam_unix)[{int}]: session closed for user {user}",
            "crond[{int}]: ({user}) CMD (run-parts /etc/cron.hourly)",
            "sshd[{int}]: Accepted publickey for {user} from ::ffff:{ip} port {int} ssh2",
            "sshd[{int}]: Connection closed by ::ffff:{ip}",
            "ntpd[{int}]: synchronized to {ip}, stratum {n}",
            "dhcpd: DHCPDISCOVER from {mac} via eth{n}: network A_net: no free leases",
            "dhcpd: DHCPREQUEST for {ip} from {mac} via eth{n}",
            "postfix/postdrop[{int}]: warning: unable to look up public/pickup: No such file or directory",
            "kernel: ACPI: Processor [CPU{n}] (supports C1)",
            "kernel: PCI: Setting latency timer of device {hex}.{n} to {n}",
            "xinetd[{int}]: START: rsync pid={int} from={ip}",
            "xinetd[{int}]: EXIT: rsync pid={int} duration={n}(sec)",
            "pbs_mom: Bad file descriptor (9) in tm_request, job {int}.tbird-admin1 not running",
            "kernel: ib_sm_sweep.c:{int}]: No topology change",
            "in.tftpd[{int}]: tftp: client does not accept options",
        ],
    },
    Family {
        name: "windows",
        header: "2016-09-28 {clock}, Info                  CBS    ",
        messages: &[
            "Loaded Servicing Stack v{version}.{n} with Core: C:\\Windows\\winsxs\\amd64_microsoft-windows-servicingstack_{hex}_{version}_none_{hex}\\cbscore.dll",
            "SQM: Initializing online with Windows opt-in: {word}",
            "SQM: Cleaning up report files older than {n} days.",
            "SQM: Requesting upload of all unsent reports.",
            "SQM: Failed to start upload with file pattern: C:\\Windows\\servicing\\sqm\\*_std.sqm, flags: 0x{n} [HRESULT = 0x{hex} - E_FAIL]",
            "SQM: Queued {n} file(s) for upload with pattern: C:\\Windows\\servicing\\sqm\\*_all.sqm, flags: 0x{n}",
            "Warning: Unrecognized packageExtended attribute.",
            "Expecting attribute name [HRESULT = 0x{hex} - CBS_E_MANIFEST_INVALID_ITEM]",
            "Failed to get next element [HRESULT = 0x{hex} - CBS_E_MANIFEST_INVALID_ITEM]",
            "Session: {int}_{int} initialized by client WindowsUpdateAgent.",
            "Read out cached package applicability for package: Package_for_KB{int}~31bf3856ad364e35~amd64~~{version}.{n}, ApplicableState: {n}, CurrentState:{n}",
            "Starting TrustedInstaller initialization.",
            "Ending TrustedInstaller initialization.",
            "{hex}@2016/9/27:20:{n}:31.{int} WcpInitialize (wcp.dll version 0.0.0.6) called (stack @0x7fed{hex} @0x7fed{hex} @0x7fed{hex})",
            "NonStart: Set pending store consistency check.",
            "Idle processing thread terminated normally",
        ],
    },
    Family {
        name: "android",
        header: "03-17 {clock}.{ms}  1702  {int} D PowerManagerService: ",
        messages: &[
            "acquire lock=0x{hex}, flags=0x1, tag=\"{quoted}\", name=com.android.systemui, ws=null, uid={int}, pid={int}",
            "release:lock={int}, flg=0x0, tag=\"{quoted}\", name=android\", ws=WorkSource{{int}}, uid={int}, pid={int}",
            "ready={bool},policy={n},wakefulness={n},wksummary=0x{hex},uasummary=0x{n},bootcompleted={bool},boostinprogress={bool}",
            "getRunningAppProcesses: caller {int} does not hold REAL_GET_TASKS; limiting output",
            "HBM brightnessOut ={n}",
            "Animating brightness: target={n}, rate={int}",
            "userActivityNoUpdateLocked: eventTime={int}, event={n}, flags=0x{n}, uid={int}",
            "setSystemUiVisibility vis={n} mask={hex} oldVal={int} newVal={int} diff={hex} fullscreenStackVis={n} dockedStackVis={n}, fullscreenStackBounds=Rect({n}, {n} - {n}, {n}), dockedStackBounds=Rect({n}, {n} - {n}, {n})",
            "isLowMemory: {bool}",
            "cancelPeek: expand={bool}",
            "Skipping AppWindowToken{{hex} token=Token{{hex} ActivityRecord{{hex} u0 com.{word}.mobileqq/.activity.{class} t{int}}}} -- going to hide",
            "playSoundEffect   effectType: {n}",
            "queryEffect effectType: {n}",
            "visible is system.call.count gt {n}",
            "computeScreenConfigurationLocked() finish in {n} ms, result is {bool}",
            "Destroying surface Surface(name=PopupWindow:{hex}) called by com.android.server.wm.{class}.destroySurfaceLocked:{int}",
        ],
    },
    Family {
        name: "healthapp",
        header: "20171223-{clock}:{ms}|Step_LSC|30002312|",
        messages: &[
            "onStandStepChanged {int}",
            "onExtend:{int} {n} {n} {n}",
            "getTodayTotalDetailSteps = {big}##{int}##{int}##{int}##{int}##{int}",
            "setTodayTotalDetailSteps={big}##{int}##{int}##{int}##{int}##{int}",
            "calculateCaloriesWithCache totalCalories={int}",
            "calculateAltitudeWithCache totalAltitude={n}",
            "REPORT : {int} {int} {int} {n}",
            "onReceive action: android.intent.action.SCREEN_ON",
            "onReceive action: android.intent.action.SCREEN_OFF",
            "processHandleBroadcastAction action:android.intent.action.SCREEN_ON",
            "processHandleBroadcastAction action:android.intent.action.TIME_TICK",
            "flush sensor data",
            "upLoadHealthData() start",
            "isScreenOn {bool}",
            "insertHiHealthData() bulkSaveDetailHiHealthData fail errorCode = {n},errorMessage = ERR_DATA_INSERT",
            "bulkSaveDetailHiHealthData() size={n}, total time = {int}",
        ],
    },
    Family {
        name: "proxifier",
        header: "[10.30 {clock}] chrome.exe - ",
        messages: &[
            "{site}:443 open through proxy proxy.cse.cuhk.edu.hk:5070 HTTPS",
            "{site}:443 close, {int} bytes sent, {int} bytes received, lifetime 00:{n}",
            "{site}:443 close, {int} bytes ({float} KB) sent, {int} bytes ({float} MB) received, lifetime <1 sec",
            "{site}:80 error : Could not connect through proxy proxy.cse.cuhk.edu.hk:5070 - Proxy server cannot establish a connection with the target, status code 403",
            "{site}:443 error : A connection request was canceled before the completion.",
        ],
    },
    Family {
        name: "mac",
        header: "Jul  1 {clock} calvisitor-10-105-160-95 kernel[0]: ",
        messages: &[
            "ARPT: {float}: wl0: wl_update_tcpkeep_seq: Original Seq: {int}, Ack: {int}, Win size: {int}",
            "ARPT: {float}: AirPort_Brcm43xx::powerChange: System Sleep",
            "AppleThunderboltNHIType2::prePCIWake - power up complete - took {n} us",
            "AirPort: Link Down on awdl0. Reason {n} (Unspecified).",
            "en0: BSSID changed to {mac}",
            "Thunderbolt Switch::setupConnection - Switch 0x{hex} unplugged = {n}",
            "IOThunderboltSwitch<{n}>(0x{n})::listenerCallback - Thunderbolt HPD packet for route = 0x{n} port = {n} unplug = {n}",
            "Setting hostname to \"{host}\"",
            "[HID] [MT] AppleMultitouchDevice::willTerminate entered",
            "ASL Sender Statistics",
            "Previous sleep cause: {n}",
            "PM response took {int} ms ({n}, {word}d)",
            "process {word}[{int}] thread {int} caught burning CPU! It used more than {n}% CPU (Actual recent usage: {n}%) over {n} seconds.",
            "Unexpected payload found for message 8, dataLen {n}",
            "Cocoa scripting error for '0x{hex}': four character codes must be four characters long.",
            "[{clock}.{ms}] <<<< {class} >>>> figPlayer_flush: [0x7fd{hex}] item 0x{hex} (rate {n}) queue count {n}",
        ],
    },
    Family {
        name: "nginx-error",
        header: "2024/03/02 {clock} [error] {int}#{int}: *{int} ",
        messages: &[
            "open() \"{path}\" failed (2: No such file or directory), client: {ip}, server: {site}, request: \"GET /{word}/{word}.png HTTP/1.1\", host: \"{site}\"",
            "connect() failed (111: Connection refused) while connecting to upstream, client: {ip}, server: {site}, request: \"POST /api/{word} HTTP/1.1\", upstream: \"http://{ip}:8080/api/{word}\", host: \"{site}\"",
            "upstream timed out (110: Connection timed out) while reading response header from upstream, client: {ip}, server: {site}, request: \"GET /{word} HTTP/2.0\", upstream: \"http://{ip}:8080/{word}\", host: \"{site}\"",
            "upstream prematurely closed connection while reading response header from upstream, client: {ip}, server: {site}, request: \"GET / HTTP/1.1\", upstream: \"http://{ip}:8080/\", host: \"{site}\"",
            "client intended to send too large body: {int} bytes, client: {six}, server: {site}, request: \"PUT /{word}/{n} HTTP/1.1\", host: \"{site}\"",
            "directory index of \"{path}\" is forbidden, client: {ip}, server: {site}, request: \"GET /{word}/ HTTP/1.1\", host: \"{ip}\"",
            "SSL_do_handshake() failed (SSL: error:{hex}:SSL routines:ssl3_read_bytes:bad key share) while SSL handshaking, client: {ip}, server: 0.0.0.0:443",
            "limiting requests, excess: {float} by zone \"{word}\", client: {six}, server: {site}, request: \"GET /login HTTP/1.1\", host: \"{site}\"",
        ],
    },
    Family {
        name: "postgres",
        header: "2024-03-02 {clock}.{ms} UTC [{int}] {user}@app LOG:  ",
        messages: &[
            "duration: {float} ms  statement: SELECT * FROM {word} WHERE id = {int}",
            "connection received: host={ip} port={int}",
            "connection authorized: user={user} database={word} application_name={word}",
            "disconnection: session time: 0:00:{n}.{ms} user={user} database={word} host={ip} port={int}",
            "checkpoint starting: time",
            "checkpoint complete: wrote {int} buffers ({float}%); 0 WAL file(s) added, {n} removed, {n} recycled; write={float} s, sync={float} s, total={float} s",
            "automatic vacuum of table \"app.public.{word}\": index scans: {n}",
            "deadlock detected",
            "duplicate key value violates unique constraint \"{word}_pkey\"",
            "relation \"{word}\" does not exist at character {n}",
            "could not receive data from client: Connection reset by peer",
            "process {int} still waiting for ShareLock on transaction {int} after {float} ms",
            "temporary file: path \"{path}\", size {int}",
            "role \"{user}\" does not exist",
        ],
    },
    Family {
        name: "klog",
        header: "I0302 {clock}.{int}       1 reconciler.go:{int}] ",
        messages: &[
            "\"operationExecutor.VerifyControllerAttachedVolume started for volume\" volume=\"{word}-config\" pod=\"{word}/{word}-{hex}\"",
            "\"MountVolume.SetUp succeeded for volume\" volume=\"kube-api-access-{letters}\" pod=\"{word}/{word}-{hex}\" podUID={uuid}",
            "\"SyncLoop ADD\" source=\"api\" pods=[{names}]",
            "\"SyncLoop DELETE\" source=\"api\" pods=[{names}]",
            "\"Probe failed\" probeType=\"Liveness\" pod=\"{word}/{word}-{hex}\" containerName=\"{word}\" probeResult=failure output=\"HTTP probe failed with statuscode: {n}\"",
            "Scaled up replica set {word}-{hex} to {n}",
            "Event(v1.ObjectReference{Kind:\"Pod\", Namespace:\"{word}\", Name:\"{word}-{hex}\", UID:\"{uuid}\"}): type: 'Normal' reason: 'Scheduled' Successfully assigned {word}/{word}-{hex} to node{n}",
            "Trace[{int}]: \"List\" url:/api/v1/{word} (started: 02-Mar-2024) (total time: {int}ms)",
            "Starting reflector *v1.{class} (10m0s) from k8s.io/client-go/informers/factory.go:134",
            "\"Failed to update lock\" err=\"Put https://{ip}:6443/leases/{word}: context deadline exceeded\"",
        ],
    },
    Family {
        name: "systemd",
        header: "Mar  2 {clock} web-3 systemd[1]: ",
        messages: &[
            "Started Session {int} of user {user}.",
            "Starting Session {int} of user {user}.",
            "Created slice User Slice of UID {int}.",
            "{word}.service: Main process exited, code=exited, status={n}/FAILURE",
            "{word}.service: Main process exited, code=killed, status=9/KILL",
            "{word}.service: Failed with result 'exit-code'.",
            "{word}.service: Scheduled restart job, restart counter is at {n}.",
            "{word}.service: Consumed {float}s CPU time.",
            "Mounted /mnt/{word}.",
            "Reached target Timers.",
            "Reached target Sockets.",
            "Startup finished in {float}s (kernel) + {float}s (initrd) + {float}s (userspace) = {float}s.",
            "Stopping {word} daemon...",
            "Stopped {word} daemon.",
        ],
    },
    Family {
        name: "java",
        header: "2024-03-02T{clock}.{ms}Z  INFO 1 --- [nio-8080-exec-{n}] c.example.shop.OrderController          : ",
        messages: &[
            "Order {int} of customer {user} placed in {int} ms",
            "Order {int} of customer {user} cancelled",
            "User '{user}' logged in from {ip}",
            "User '{user}' logged out",
            "Loaded {int} items from cache {word}",
            "HikariPool-{n} - Added connection org.postgresql.jdbc.PgConnection@{hex}",
            "HikariPool-{n} - Thread starvation or clock leap detected (housekeeper delta={n}s{int}ms)",
            "Payload: {\"id\": {int}, \"name\": \"{word}\", \"tags\": [{list}], \"active\": {bool}}",
            "Message com.example.events.{class}@{hex} was sent to topic {word}",
            "Retry {n} of {n} for {url}",
            "GET {url} returned 200 in {int} ms",
            "Uploaded {file} ({float} MB) by {user}",
            "Partitions assigned: [{list}]",
            "Feature flag {word} is enabled",
            "Feature flag {word} is disabled",
            "Upgraded schema from version {version} to version {version}",
            "Temperature is {signed} degrees at sensor {word}",
            "state={word} owner={user} retries={n}",
            "Thread pool-{n}-thread-{n} is idle",
        ],
    },
];

#[test]
fn lines_of_many_systems_are_grouped() {
    for (lines, seed) in [(60, 1), (200, 2), (400, 3), (2000, 4)] {
        let reached: Vec<f64> = FAMILIES.iter().map(|family| accuracy(family, lines, seed)).collect();
        let average = reached.iter().sum::<f64>() / reached.len() as f64;
        let worst = reached.iter().copied().fold(1.0, f64::min);
        println!("{lines} lines of each of {}: average {average:.3}, worst {worst:.3}", reached.len());
        assert!(average >= LEAST && worst >= WORST, "average {average:.3}, worst {worst:.3}");
    }
}

fn accuracy(family: &Family, lines: usize, seed: u64) -> f64 {
    let (lines, truth) = family.lines(lines, &mut Dice::new(seed));
    let (_folder, path) = file(lines.join("\n") + "\n");
    let digest = digest(&path);
    let found = templates(&digest);
    let accuracy = grouping_accuracy(&truth, &found);
    if accuracy < 1.0 {
        println!("  {:<12} {accuracy:.3} {}", family.name, digest.sources[0].format);
        show(family, &truth, &found, &digest);
    }
    accuracy
}

/// The messages whose groups are wrong, with the templates that they were given.
fn show(family: &Family, truth: &[usize], found: &[u32], digest: &percept::digest::LogDigest) {
    for (number, message) in family.messages.iter().enumerate() {
        let mut groups: Vec<u32> =
            truth.iter().zip(found).filter(|(truth, _)| **truth == number).map(|(_, group)| *group).collect();
        let lines = groups.len();
        groups.sort_unstable();
        groups.dedup();
        let alone = truth.iter().zip(found).all(|(truth, group)| *truth == number || !groups.contains(group));
        if groups.len() == 1 && alone {
            continue;
        }
        println!("    {lines} x {message}");
        for group in groups.iter().take(6).filter(|group| **group > 0) {
            let template = &digest.templates[*group as usize - 1];
            println!("        {} x {}", template.count, template.text);
        }
    }
}
