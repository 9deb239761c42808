"""Every ceiling on what is read from outside, with its unit in its name.

A value here is a default that an operator may lower or raise in the configuration where the guide says so; the ones
that protect a parser or a protocol are fixed.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# Local intake
FLAG_REQUEST_MAX_BYTES: Final = 64 * KIB
"""A flag request's own JSON; the object's bytes are not part of it."""
PATH_MAX_BYTES: Final = 4096
"""Linux PATH_MAX."""
FOLDER_ENTRIES_MAX_COUNT: Final = 1_000_000
"""Entries of one folder that are looked at when a tree is walked."""
DETECTIONS_MAX_COUNT: Final = 64
TEXT_MAX_CHARACTERS: Final = 1024
"""One free-text value from a peer: a detection's name, a note."""
URL_MAX_CHARACTERS: Final = 8192
PEER_GROUPS_MAX_COUNT: Final = 256
"""Supplementary groups of a peer; one in more groups than these is taken as being in none."""
PROCESS_ID_MAX: Final = 4_194_304
"""Linux PID_MAX_LIMIT."""
CONNECTIONS_PER_REQUEST: Final = 4
"""Connections to the local socket that may be open for each request that may be under way."""
PEER_REQUESTS_PER_SECOND: Final = 50.0
"""Of one user that is neither root nor the agent's own."""
PEER_REQUESTS_BURST: Final = 200
"""How many of them at once, after some rest."""
PEER_RATES_MAX_COUNT: Final = 1024
"""Users whose rates are remembered; all others share one."""
DROPPED_AT_ONCE_MAX_COUNT: Final = 1024
"""Files that one look into the drop folder yields."""
DROPPED_KNOWN_MAX_COUNT: Final = 65_536
"""Dropped files that are remembered as done with; the ledger knows the others."""
LINGER_SECONDS: Final = 10.0
"""How long the rest of a refused body is read and dropped, so that its sender sees the answer."""
SHUTDOWN_SECONDS: Final = 10.0
"""How long requests under way may take to end when the socket closes."""

# Snapshots
OBJECT_MAX_BYTES: Final = 4 * GIB
"""The largest object that is taken at all; counted in bytes read."""
MEMORY_SNAPSHOT_MAX_BYTES: Final = 16 * MIB
"""Up to here a snapshot is a sealed memfd, above it an unnamed file beside the spool."""
COPY_CHUNK_BYTES: Final = 1 * MIB
SNAPSHOT_DEADLINE_SECONDS: Final = 300.0
OPEN_DEADLINE_SECONDS: Final = 10.0
"""A file system can let open(2) wait for ever."""
HANGING_CALLS_MAX_COUNT: Final = 16
"""Calls for one user that a file system has not answered within their deadline."""
CLOSE_WAIT_SECONDS: Final = 0.1
"""How long a caller waits for close(2), which a file system can let wait as well."""
XATTR_MAX_BYTES: Final = 8 * KIB

# Sandbox
FRAME_MAX_BYTES: Final = 8 * MIB
"""A child's whole answer."""
EXAMINE_DEADLINE_SECONDS: Final = 60.0
CHILD_MEMORY_MAX_BYTES: Final = 2 * GIB
CHILD_CPU_MAX_SECONDS: Final = 3600
"""Processor time of one child in its life; it is replaced when it has been at work for half of it."""
LARGE_OBJECT_BYTES_PER_SECOND: Final = 8 * MIB
"""A large object has so much more time than a small one: a second for each of these."""
CHILD_MAX_OBJECTS: Final = 1000
"""After this many objects a child is replaced."""
CHILD_GROWTH_MAX_BYTES: Final = 256 * MIB
"""A child that has taken so much more memory of its own than it began with, and kept it, is replaced."""

# Scanning
MATCHES_MAX_COUNT: Final = 1000
"""Rules that matched one object."""
HITS_PER_RULE_MAX_COUNT: Final = 256
"""String hits kept of one rule; how many there were in all is kept as a number."""
HITS_PER_STRING_MAX_COUNT: Final = 1_000_000
"""Hits of one string that an engine counts, and that conditions see; libyara's own number, fixed when it was built."""
RULE_TAGS_MAX_COUNT: Final = 256
RULE_META_MAX_CHARACTERS: Final = 64 * KIB
"""One text of a rule's metadata."""
SCAN_TIMEOUT_SECONDS: Final = 30
"""YARA's own timeout; the sandbox's deadline stands behind it."""
RULE_FILE_MAX_BYTES: Final = 16 * MIB
RULE_FILES_MAX_COUNT: Final = 20_000
RULE_PACK_MAX_BYTES: Final = 64 * MIB
"""One zip file of rules, as it lies on disk."""
RULES_LEFT_OUT_OF_FILE_MAX_COUNT: Final = 256
"""A rule file with more rules than these that do not compile is left out as a whole."""
COMPILED_RULES_MAX_BYTES: Final = 512 * MIB
"""One compiled form that is kept."""
COMPILED_CACHE_MAX_BYTES: Final = 1 * GIB
"""All that are kept."""

BUNDLE_FILE_MAX_BYTES: Final = 64 * KIB
"""A swept file up to here is read by the sweep itself and goes to a child together with others."""
BUNDLE_MAX_BYTES: Final = 512 * KIB
BUNDLE_MAX_COUNT: Final = 32
SWEEP_ATTEMPTS_MAX_COUNT: Final = 3
"""How often a file that changes while it is scanned is scanned; then it is reported as changing."""
SCAN_MEMORY_MAX_BYTES: Final = 256 * MIB
"""On disk, for the results of earlier scans."""

SCAN_HITS_PER_RULE_MAX_COUNT: Final = 32
"""String hits of one rule in the answer to a local peer that only wants a scan."""

# Extraction
REGIONS_MAX_COUNT: Final = 4096
PROBLEMS_MAX_COUNT: Final = 256
PART_NAME_MAX_CHARACTERS: Final = 256
PARTS_MAX_COUNT: Final = 256
"""Parts of one object that are sent."""
PARTS_MAX_TOTAL_BYTES: Final = 64 * MIB
REGIONS_TAKEN_MAX_COUNT: Final = 1024
"""Regions of one object that its parts name: those that parts are, and those that lie inside them."""
RECIPE_STEPS_MAX_COUNT: Final = 8
"""Steps from the whole object to derived bytes: how deep archives in archives are followed, with one step to spare."""
UNPACK_DEPTH_MAX_COUNT: Final = 5
"""Containers inside each other that are opened."""
UNPACK_MEMBERS_MAX_COUNT: Final = 2_000
"""Members of all containers of one object that are looked at."""
UNPACK_MEMBER_MAX_BYTES: Final = 32 * MIB
"""One member, unpacked; a larger one is named and not opened."""
UNPACK_TOTAL_MAX_BYTES: Final = 192 * MIB
"""All members of all containers of one object, unpacked."""
UNPACK_RATIO_MAX: Final = 1_000
"""Unpacked bytes to one packed byte, from ``UNPACK_RATIO_FROM_BYTES`` on."""
UNPACK_RATIO_FROM_BYTES: Final = 1 * MIB
EXTRACT_SECONDS: Final = 20.0
"""After these an extraction opens nothing more; what it has found stands."""
DERIVED_PAGE_BYTES: Final = 4 * MIB
"""How much of a derived part one answer of a child brings."""
PROOF_EDGE_MAX_BYTES: Final = 16 * KIB
"""What a proof shows beside a part, on either side: less than a leaf of the largest object."""
PROOF_NODES_MAX_COUNT: Final = 40
"""Two beside each level of a tree of the most leaves that there are, and some."""
MATCH_CONTEXT_MAX_BYTES: Final = 64 * KIB
FIELDS_MAX_COUNT: Final = 1024
FIELD_TEXTS_MAX_COUNT: Final = 4096
"""Texts in the value of one field."""
FIELD_VALUE_MAX_CHARACTERS: Final = 8192

# Signatures of programs
SIGNATURE_MAX_BYTES: Final = 1 * MIB
"""One PKCS #7 structure; one with page hashes of a large driver has some 100 KiB."""
SIGNATURES_MAX_COUNT: Final = 8
"""Entries of a certificate table, and signatures inside each other, that are looked at."""
SIGNATURE_CERTIFICATES_MAX_COUNT: Final = 64
"""Certificates of one signature."""
SIGNATURE_VALUES_MAX_COUNT: Final = 64
"""Attributes of a signer, and values of one attribute."""

# Capturing
ADDRESS_MAX: Final = 2**64
"""Behind the last address that a process can have."""
MEMORY_CAPTURE_MAX_BYTES: Final = 256 * MIB
"""Of one process's memory in one capture."""
MEMORY_REGIONS_MAX_COUNT: Final = 4096
"""Regions of memory in one capture."""
MEMORY_MAP_MAX_BYTES: Final = 32 * MIB
"""Of /proc/PID/maps; a process can have 65,530 regions, and names them itself."""
MEMORY_READ_SECONDS: Final = 5.0
"""One read of a process's memory: what it has mapped from a file system that does not answer can wait for ever."""
CAPTURE_DEADLINE_SECONDS: Final = 120.0
"""After these nothing more is read; what was read stands."""
FAILED_RANGES_MAX_COUNT: Final = 64
"""Stretches of memory or disk that could not be read and are named one by one; the others are counted."""
MEMORY_SELECTORS_MAX_COUNT: Final = 64
"""Permissions or ranges of addresses in one request."""
BOOT_HEAD_SECTORS: Final = 64
"""Read from the start of a disk: the MBR, a GPT and what lies behind them."""
BOOT_TAIL_SECTORS: Final = 33
"""Read from its end: a backup GPT and its entries."""
BOOT_VOLUME_SECTORS: Final = 16
"""Read from the start of each partition."""
BOOT_RECORDS_MAX_COUNT: Final = 128
"""Partitions whose boot records are read."""
BOOT_ROUNDS_MAX_COUNT: Final = 24
"""How often what was read may say what to read next: the links of a chain of extended partitions."""
SECTOR_MAX_BYTES: Final = 64 * KIB

# Retained snapshots
RETAIN_MAX_BYTES: Final = 2 * GIB
"""All snapshots that are kept in case the queue asks for more of an object."""
RETAIN_SECONDS: Final = 72 * 3600.0
"""How long one of them is kept."""
RETAIN_ABOUT_MAX_BYTES: Final = 1 * MIB
"""What is kept beside the bytes of one of them."""

# Spool
SPOOL_MAX_DAYS: Final = 30.0
"""How long something waits for delivery."""
SPOOL_KEY_DAYS: Final = 30.0
"""How long one key encrypts what lies on the host."""
SPOOL_TEND_SECONDS: Final = 300.0
"""How often what waits for delivery is looked after."""
SPOOL_IDS_MAX_COUNT: Final = 1_000
"""Named in one request."""

# Reconciling
RECONCILE_RANGE_MAX_COUNT: Final = 10_000
"""Objects that are held against journal and queue in one reading of the journal."""
RECONCILE_DIFFERENCES_MAX_COUNT: Final = 10_000
"""That one run names."""

# The wire
SELECTORS_MAX_COUNT: Final = 64
"""Parts that one ask for more of an object names."""
ASKS_PAGE_MAX_COUNT: Final = 100
SUBMISSIONS_PAGE_MAX_COUNT: Final = 500
"""Of one host, in one answer."""
RECALL_NAMES_SECONDS: Final = 7 * 86400.0
"""How long a recall's confirmation can be had again with the names of the contents; then the queue forgets them."""
RECALLED_TOGETHER_MAX_COUNT: Final = 1000
"""Submissions that were made of one object: its own, answers to asks, what was approved later."""
RECEIPT_MAX_BYTES: Final = 64 * KIB
"""One signed receipt; one of a submission with the most contents has half of it."""
RECEIPTS_PAGE_MAX_COUNT: Final = 64
"""Receipts in one answer, so that a page of the largest ones stays below ``ANSWER_MAX_BYTES``."""
RECEIPT_STANDING_MAX_BYTES: Final = 256 * KIB
"""What a host keeps about how far it has followed receipts."""
SENT_REMEMBERED_MAX_COUNT: Final = 10_000
"""Offers since the agent's start that are remembered for their receipts; the journal has the others."""
LOG_PROOF_NODES_MAX_COUNT: Final = 128
"""Hashes of one proof about the log of receipts: two a level of a tree of 2**62 leaves."""
MANIFEST_MAX_BYTES: Final = 4 * MIB
CONTROL_BODY_MAX_BYTES: Final = 64 * KIB
"""Any other JSON body."""
CHUNK_MAX_BYTES: Final = 8 * MIB
"""One tus PATCH; the unit of checking and of resuming."""
CREATE_WITH_UPLOAD_MAX_BYTES: Final = 1 * MIB
"""Contents up to here travel in the creating request (tus creation-with-upload)."""
OFFERS_MAX_COUNT: Final = 64
"""Manifests of one request, which together have at most ``MANIFEST_MAX_BYTES``."""
CODED_CHUNK_MAX_BYTES: Final = 4 * MIB
"""One body with Content-Encoding zstd, as it comes and as it decodes to."""
CODED_BODIES_MAX_COUNT: Final = 32
"""Of them at once at a queue: each is held whole until it is decoded. Further ones are asked to come as they are."""
QUEUE_ADDRESSES_MAX_COUNT: Final = 16
"""Of one queue."""
QUEUE_PACE_MIN_BYTES_PER_SECOND: Final = 64 * KIB
"""The slowest pace that can be set: well above ``BODY_MIN_BYTES_PER_SECOND``, below which a queue gives a body up."""
METADATA_MAX_CHARACTERS: Final = 4096
"""One ``Upload-Metadata`` header; it is kept with the upload."""
ANSWER_MAX_BYTES: Final = 8 * MIB
"""What a client reads of one answer of the queue, downloads apart."""
IDLE_CONNECTION_SECONDS: Final = 75.0
BODY_STALL_SECONDS: Final = 30.0
"""A body that brings no byte for this long is given up."""
LONG_POLL_MAX_SECONDS: Final = 30.0
LEASE_MAX_SECONDS: Final = 3600.0

# Identity
PEM_MAX_BYTES: Final = 256 * KIB
"""A key, a certificate or a bundle of CA certificates."""
CSR_MAX_BYTES: Final = 16 * KIB
"""A signing request, before anything of it is parsed."""
RSA_MAX_BITS: Final = 8192
"""Of a key that asks for a certificate; checking the signature of larger ones costs whoever checks."""

# Tasks
STAGES_MAX_COUNT: Final = 16
"""Analyzers that look at one object one behind the other; also the kinds that one worker names."""
LANES_MAX_COUNT: Final = 1024
"""Pairs of tenant and kind that are looked at when a task is given out."""

# Workers
DOWNLOAD_DEADLINE_SECONDS: Final = 3600.0
"""One content, from the queue to a worker or analyst; a stall ends it sooner."""
ANALYSIS_SECONDS: Final = 600.0
"""What an analyzer may take for one task."""
ANALYZER_STDOUT_MAX_BYTES: Final = 1 * MIB
ANALYZER_STDERR_TAIL_BYTES: Final = 4 * KIB
"""What is kept of an analyzer's last words."""
ANALYZER_MEMORY_MAX_BYTES: Final = 4 * GIB
ANALYZER_FILE_MAX_BYTES: Final = 1 * GIB
"""One file that an analyzer writes."""
ANALYZER_PROCESSES_MAX_COUNT: Final = 256
"""Processes and threads of one analyzer at the same time."""
CAPA_OUTPUT_MAX_BYTES: Final = 64 * MIB
"""What capa prints about one file, with the place of each thing that it found."""

# Statistics
STATISTICS_CELLS_MAX_COUNT: Final = 2048
"""Counters of one host and day."""
STATISTICS_SKETCHES_MAX_COUNT: Final = 64
"""Sketches of one host and day."""
STATISTICS_LABEL_MAX_CHARACTERS: Final = 128
STATISTICS_VALUE_MAX: Final = 10**9
"""Of one counter of one host and day."""
STATISTICS_REPORT_MAX_BYTES: Final = 1 * MIB
STATISTICS_DAY_CELLS_MAX_COUNT: Final = 65_536
"""Cells of one day at the queue, whatever hosts invent."""
STATISTICS_PAGE_MAX_DAYS: Final = 366
STATISTICS_KEPT_DAYS: Final = 366
"""How long a host keeps its own days."""
STATISTICS_THRESHOLD: Final = 5
"""Hosts, where a statement does not say how many; the queue takes no smaller number from a report."""
STATISTICS_ACCEPT_DAYS: Final = 7
"""So long after its end the queue still takes reports of a day; then the day is closed for good."""

# Permit and journal
STATEMENT_MAX_BYTES: Final = 256 * KIB
"""One of a statement's two files."""
CONSENT_MAX_BYTES: Final = 64 * KIB
CONSENT_ACTS_MAX_BYTES: Final = 4 * MIB
"""All that was ever done with one machine's consent, some thousand acts."""
RECIPIENTS_MAX_COUNT: Final = 16
"""That one statement names."""
RETENTION_MAX_DAYS: Final = 3650
STATISTICS_THRESHOLD_MIN_COUNT: Final = 2
"""Hosts; a statistic of one would be about somebody."""
STATISTICS_THRESHOLD_MAX_COUNT: Final = 1_000_000
WHOLE_MAX_BYTES: Final = 256 * MIB
"""The largest object that is sent whole, unless the policy says otherwise."""
TREATED_TEXT_MAX_CHARACTERS: Final = 32 * KIB
"""What of one text is looked at before a treatment; the rest never leaves."""
HOST_NAMES_MAX_COUNT: Final = 4096
"""Accounts of one machine whose names are looked for."""
JOURNAL_ENTRY_MAX_BYTES: Final = 16 * MIB
"""One line of the journal: a whole manifest and the reasons for it."""
JOURNAL_SEGMENT_MAX_BYTES: Final = 64 * MIB
"""A file of the journal that has reached this is closed, and the next one begun."""
JOURNAL_KEEP_DAYS: Final = 730
JOURNAL_KEEP_MIN_DAYS: Final = 30
HISTORY_OBJECTS_MAX_COUNT: Final = 200_000
"""Objects that one question to the journal may be about."""
HISTORY_PAGE_ROWS_MAX_COUNT: Final = 5_000
"""Objects that the exported page lists one by one; its plots count all."""
QUEUE_CONNECT_SECONDS: Final = 10.0
"""TCP and TLS to the queue."""
ANSWER_DEADLINE_SECONDS: Final = 300.0
"""One whole answer of the queue, from the end of the request on; each read has ``BODY_STALL_SECONDS`` as well."""
RETRY_AFTER_MAX_SECONDS: Final = 3600.0
"""A longer wait that a queue asks for is cut to this."""
UPLOAD_TROUBLES_MAX_COUNT: Final = 3
"""How often one delivery begins an upload anew, or finds its place again, before it is put off."""
BODY_MIN_BYTES_PER_SECOND: Final = 4 * KIB
"""A body that comes more slowly than this, once ``BODY_STALL_SECONDS`` are over, is given up."""
TASKS_PAGE_MAX_COUNT: Final = 100
EVENTS_MAX_SECONDS: Final = 600.0
"""One event stream; whoever still listens then connects again."""
EVENTS_BEAT_SECONDS: Final = 15.0
"""A stream on which nothing happens says so, to show that it lives."""
CONNECTIONS_MAX_COUNT: Final = 1024
"""Of one listener of the queue."""

PENDING_MAX_BYTES: Final = 1 * GIB
"""Of objects whose contents wait for a person's approval, together."""
PENDING_MAX_COUNT: Final = 1_000
"""Of such objects."""
PENDING_SECONDS: Final = 7 * 86_400.0
"""How long one waits."""
PENDING_TEND_SECONDS: Final = 30.0
"""How often what waits is looked after."""
PENDING_IDS_MAX_COUNT: Final = 100
"""Decided in one request."""

# Verdicts at the host
KNOWN_VERDICTS_MAX_COUNT: Final = 200_000
"""That a host remembers by hash; of more, those that expire next are forgotten."""
KNOWN_VERDICT_MAX_SECONDS: Final = 30 * 86_400.0
"""How long a host believes one, however long the queue says."""
CALL_SECONDS: Final = 30.0
"""One run of the command about a verdict."""
CALL_CPU_SECONDS: Final = 30
CALL_MEMORY_MAX_BYTES: Final = 1 * GIB
"""Of address space."""
CALL_FILE_MAX_BYTES: Final = 1 * GIB
"""One file that it writes."""
CALL_OUTPUT_TAIL_BYTES: Final = 2 * KIB
"""What is kept of its last words."""
CALLS_KEPT_SECONDS: Final = 30 * 86_400.0
"""How long it is remembered that one was made, or given up; a verdict that comes once more until then is not told."""

# Search
SEARCH_TERMS_MAX_COUNT: Final = 1024
"""Values of one submission in the index; it can be found by the others beside one of these."""
SEARCH_VALUES_OF_FIELD_MAX_COUNT: Final = 64
"""Of one field that has many, imported names for one."""
SEARCH_VALUE_MAX_CHARACTERS: Final = 256
"""What of one value counts in the index."""
SEARCH_CONDITIONS_MAX_COUNT: Final = 16
SEARCH_PAGE_MAX_COUNT: Final = 100
SEARCH_READS_MAX_COUNT: Final = 20_000
"""Entries of the index that one look reads for its rarest condition; the next one goes on from there."""
SEARCH_LOOKED_AT_MAX_COUNT: Final = 1_024
"""Manifests that one request looks into."""
SEARCH_BEHIND_MAX_COUNT: Final = 1_000
"""Up to here it is counted how far the index is behind."""
TLSH_DISTANCE_MAX: Final = 100
"""Digests further apart than this are not called alike."""
TLSH_LIKE_MAX_COUNT: Final = 20_000
"""Digests that one search for neighbours measures its distance to."""

# Look-ups
LOOKUP_BITS_MAX: Final = 24
"""The longest prefix of a hash that a queue may ask for; hosts have a ceiling of their own."""
LOOKUP_HOST_BITS_MAX: Final = 16
"""The longest that a host tells, unless its settings say otherwise."""
LOOKUP_CROWD_COUNT: Final = 32
"""So many listed files at least begin with the same prefix, on average."""
LOOKUP_ENTRIES_MAX_COUNT: Final = 4096
"""In one answer."""
LOOKUP_TEXT_MAX_CHARACTERS: Final = 64
"""The name of an analyzer or of a family in an answer."""
LOOKUP_PADDING_BYTES: Final = 32 * KIB
"""Answers have a multiple of these; one of an average prefix has exactly so many."""
LOOKUP_SECONDS: Final = 2.0
"""How long a flagged object waits for the answer before it is sent all the same."""

# Retention
RETENTION_PAGE_MAX_COUNT: Final = 500
"""Submissions in one answer about what is due."""
RETENTION_BATCH_MAX_COUNT: Final = 100
"""Submissions that one step of retention destroys."""
RETENTION_RULES_MAX_COUNT: Final = 64
HOLDS_PAGE_MAX_COUNT: Final = 1_000
ROLLUP_LABELS_MAX_COUNT: Final = 4_096
"""Different names that are counted of one tenant and day, whatever hosts invent; the others are counted together."""
ROLLUP_LABEL_MAX_CHARACTERS: Final = 128
ROLLUP_KEPT_MIN_COUNT: Final = 5
"""Once nothing of a day is kept, numbers smaller than this are added up under one name."""
ROLLUPS_PAGE_MAX_COUNT: Final = 10_000

# The audit log
AUDIT_BATCH_MAX_COUNT: Final = 1_000
"""Entries that one transaction gives their place in the chain, or forgets."""
AUDIT_PAGE_MAX_COUNT: Final = 1_000

# Known good files
KNOWN_GOOD_ENTRIES_MAX_COUNT: Final = 12_000_000
"""Of one list."""
KNOWN_GOOD_MAX_BYTES: Final = 128 * MIB
"""One list, as hosts fetch and keep it."""
KNOWN_GOOD_PIECE_BYTES: Final = 256 * KIB
"""What one request brings of it."""
KNOWN_GOOD_SUFFIX_BYTES: Final = 10
"""Kept of each hash behind the bits that say where it lies; nobody finds a file that is taken for a listed one."""
KNOWN_GOOD_LINE_MAX_CHARACTERS: Final = 8192
"""One line of a list of hashes that an operator brings."""
