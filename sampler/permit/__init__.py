"""What may leave the host, and in which form: statement, consent, policy, treatments, and the one decision.

Owns the making of parcels: importing this package claims the only sealer there is. Everything here is pure; nothing
reads a clock, the network, or a file other than the statements that ship with it. What a statement does not list cannot
be put into a parcel. It never sends, stores or asks anybody anything.
"""

from sampler.permit.circumstances import Circumstances
from sampler.permit.command_lines import with_whole_command_lines
from sampler.permit.consent import Consent, consent_from_plain, consent_to_plain, decode_consent, encode_consent
from sampler.permit.contents import content_label
from sampler.permit.decide import decide, refuse, still_allowed
from sampler.permit.disclosure import Discloser, FieldLine
from sampler.permit.explaining import Explanation, explain
from sampler.permit.lookup import LookUpRule, permit_look_up
from sampler.permit.names import HostNames
from sampler.permit.policy import SAFE_KINDS, Policy
from sampler.permit.policy_rules import SEVERITIES, Conditions, Hours, PolicyRule, severity_of
from sampler.permit.renewing import carried, check_successor, widenings
from sampler.permit.rules import Rule
from sampler.permit.shipped import shipped_names, shipped_statement, shipped_statements
from sampler.permit.statement import FieldRule, Region, Statement
from sampler.permit.statement_file import digest_input, parse_statement
from sampler.permit.statement_signature import SIGNATURE_CONTEXT, StatementSignature, parse_signature
from sampler.permit.statistics import StatisticsRule, release_statistics
from sampler.permit.treatments import Treatment
from sampler.permit.withholding import withheld

__all__ = [
    "SAFE_KINDS",
    "SEVERITIES",
    "SIGNATURE_CONTEXT",
    "Circumstances",
    "Conditions",
    "Consent",
    "Discloser",
    "Explanation",
    "FieldLine",
    "FieldRule",
    "HostNames",
    "Hours",
    "LookUpRule",
    "Policy",
    "PolicyRule",
    "Region",
    "Rule",
    "Statement",
    "StatementSignature",
    "StatisticsRule",
    "Treatment",
    "carried",
    "check_successor",
    "consent_from_plain",
    "consent_to_plain",
    "content_label",
    "decide",
    "decode_consent",
    "digest_input",
    "encode_consent",
    "explain",
    "parse_signature",
    "parse_statement",
    "permit_look_up",
    "refuse",
    "release_statistics",
    "severity_of",
    "shipped_names",
    "shipped_statement",
    "shipped_statements",
    "still_allowed",
    "widenings",
    "with_whole_command_lines",
    "withheld",
]
