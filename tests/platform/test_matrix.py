"""Who may do what at which address? Every view has a decision here for every role and verb; one without fails.

The table is checked against the URL conf as it is, the back office and the login's pages included. Whoever is
refused must have written nothing: not one statement that changes a row, before the refusal or after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from crm.settings import IS_SQLITE
from tests.platform.stage import NOON, NUMBER, Stage
from touchpoints import rulesets
from touchpoints.talk_track_forms import PARTS

# Ada owns the lead, Bea is her colleague, Max their manager; Cy and Mo (a manager) are of another team; root is
# an admin. A decision: ok (done, or asked in), in (sent to the login), or the status of the refusal. What is not
# in the table is refused to everybody. Who was deactivated is nobody. No broker runs here: Thaw says it is not ready.
ROLES = ("anonymous", "ada", "bea", "max", "cy", "mo", "root")
TABLE = """
name                               verb    of          anonymous ada  bea  max  cy   mo   root

home                               GET     -           in        ok   ok   ok   ok   ok   ok
healthz                            GET     -           ok        ok   ok   ok   ok   ok   ok
readyz                             GET     -           503       503  503  503  503  503  503
metrics                            GET     -           403       403  403  403  403  403  ok
set_language                       POST    -           ok        ok   ok   ok   ok   ok   ok
demo_clear                         POST    -           in        403  403  403  403  403  ok

settings                           GET     -           in        ok   ok   ok   ok   ok   ok
settings                           POST    -           in        ok   ok   ok   ok   ok   ok
settings_keys                      GET     -           in        ok   ok   ok   ok   ok   ok
settings_keys                      POST    -           in        ok   ok   ok   ok   ok   ok
settings_absences                  GET     -           in        ok   ok   ok   ok   ok   ok
settings_absences                  POST    -           in        ok   422  ok   422  422  ok
settings_absence_remove            POST    absence     in        ok   404  ok   404  404  ok
settings_calendar                  GET     -           in        ok   ok   ok   ok   ok   ok
settings_calendar                  POST    -           in        ok   ok   ok   ok   ok   ok
settings_team                      GET     -           in        403  403  ok   403  ok   ok
settings_member                    GET     member      in        403  403  ok   403  404  ok
settings_member                    POST    member      in        403  403  ok   403  404  ok
settings_deal                      GET     member      in        403  403  ok   403  404  ok
settings_deal                      POST    member      in        403  403  ok   403  404  ok
settings_deal_undo                 POST    reassignment in       403  403  ok   403  404  ok
settings_member_leaves             POST    member      in        403  403  403  403  403  ok
settings_member_returns            POST    leaver      in        403  403  403  403  403  ok
settings_sharing                   GET     team        in        403  403  ok   403  404  ok
settings_sharing                   POST    team        in        403  403  ok   403  404  ok

call                               GET     -           in        ok   ok   ok   ok   ok   ok
call_rail                          GET     -           in        ok   ok   ok   ok   ok   ok
call_line                          GET     lead        in        ok    404  ok   404  404  ok
call_alerts                        GET     -           in        ok   ok   ok   ok   ok   ok
call_renew                         POST    -           in        ok   ok   ok   ok   ok   ok
call_dial                          POST    -           in        ok   404  ok   404  404  ok
call_skip                          POST    -           in        ok   404  ok   404  404  ok
outlook                            GET     -           in        ok   ok   ok   ok   ok   ok
call_callbacks                     GET     -           in        ok   ok   ok   ok   ok   ok
rehearse                           GET     -           in        ok   ok   ok   ok   ok   ok
rehearse                           POST    -           in        ok   ok   ok   ok   ok   ok
call_block                         GET     -           in        ok   ok   ok   ok   ok   ok
call_block                         POST    -           in        ok   ok   ok   ok   ok   ok
block_progress                     GET     -           in        ok   ok   ok   ok   ok   ok
block_pause                        POST    -           in        ok   ok   ok   ok   ok   ok
block_resume                       POST    -           in        ok   ok   ok   ok   ok   ok
block_end                          POST    -           in        ok   ok   ok   ok   ok   ok
block_summary                      GET     block       in        ok   404  404  404  404  404
call_step                          POST    message     in        ok   404  ok   404  404  ok
call_outcome                       POST    open_call   in        ok   404  404  404  404  404
call_undo                          POST    logged_call in        ok   404  404  404  404  404
call_note                          POST    logged_call in        ok   404  404  404  404  404
call_when                          GET     open_call   in        ok   404  404  404  404  404
call_zone                          POST    lead        in        ok   404  ok   404  404  ok

leads                              GET     -           in        ok   ok   ok   ok   ok   ok
leads_bulk                         POST    -           in        ok   ok   ok   ok   ok   ok
lead_new                           GET     -           in        ok   ok   ok   ok   ok   ok
lead_new                           POST    -           in        ok   ok   ok   ok   ok   ok
segment_save                       POST    -           in        ok   ok   ok   ok   ok   ok
segment_delete                     POST    segment     in        ok   404  404  404  404  404
lead_edit                          GET     lead        in        ok   404  ok   404  404  ok
lead_edit                          POST    lead        in        ok   404  ok   404  404  ok
lead_research                      GET     lead        in        ok   404  ok   404  404  ok
lead_research                      POST    lead        in        ok   404  ok   404  404  ok
lead_job                           GET     lead        in        ok   404  ok   404  404  ok
lead_job                           POST    lead        in        ok   404  ok   404  404  ok
lead_number_add                    POST    lead        in        ok   404  ok   404  404  ok
lead_number_remove                 POST    link        in        ok   404  ok   404  404  ok
lead_line                          POST    link        in        ok   404  ok   404  404  ok
lead_keeper                        POST    lead        in        ok   404  ok   404  404  ok
lead_zone                          POST    lead        in        ok   404  ok   404  404  ok
lead_agree                         POST    lead        in        422  404  ok   404  404  ok
lead_override                      POST    lead        in        ok   404  ok   404  404  ok
lead_override_end                  POST    lead        in        ok   404  ok   404  404  ok
lead_suppress                      POST    lead        in        ok   404  ok   404  404  ok
consent_add                        POST    lead        in        ok   404  ok   404  404  ok
consent_end                        POST    consent     in        ok   404  ok   404  404  ok
complaint_add                      GET     lead        in        ok   404  ok   404  404  ok
complaint_add                      POST    lead        in        ok   404  ok   404  404  ok
wish_decide                        POST    wish        in        ok   404  ok   404  404  ok
touchpoint_add                     POST    lead        in        ok   404  ok   404  404  ok
pursuit_start                      POST    idle_lead   in        ok   404  ok   404  404  ok
pursuit_stop                       POST    lead        in        ok   404  ok   404  404  ok
pursuit_pause                      POST    lead        in        ok   404  ok   404  404  ok
pursuit_resume                     POST    resting     in        ok   404  ok   404  404  ok
touchpoint_correct                 POST    touchpoint  in        ok   404  ok   404  404  ok
touchpoint_withdraw                POST    touchpoint  in        ok   404  ok   404  404  ok
meeting                            GET     meeting     in        ok   404  ok   404  404  ok
meeting_held                       POST    meeting     in        ok   404  ok   404  404  ok
meeting_missed                     POST    meeting     in        ok   404  ok   404  404  ok
meeting_move                       POST    meeting     in        ok   404  ok   404  404  ok
meeting_call_off                   POST    meeting     in        ok   404  ok   404  404  ok
meeting_file                       GET     meeting     in        ok   404  ok   404  404  ok
calendar_feed                      GET     calendar    ok        ok   ok   ok   ok   ok   ok
promise_kept                       POST    promise     in        ok   404  ok   404  404  ok
lead_task_done                     POST    task        in        ok   404  ok   404  404  ok
call_amend                         GET     logged_call in        ok   404  ok   404  404  ok
call_amend                         POST    logged_call in        ok   404  ok   404  404  ok
lookup_inbound                     GET     lead        in        ok   404  ok   404  404  ok
lookup_inbound                     POST    lead        in        ok   404  ok   404  404  ok
inbox_settle                       POST    unmatched   in        ok   404  ok   404  404  ok
task_done                          POST    task        in        ok   404  ok   404  404  ok
task_fact                          POST    task        in        ok   404  ok   404  404  ok
task_later                         POST    task        in        ok   404  ok   404  404  ok
task_cannot                        POST    task        in        ok   404  ok   404  404  ok
task_undo                          POST    later_task  in        ok   404  ok   404  404  ok
task_match                         POST    unmatched   in        ok   404  ok   404  404  ok
task_zone                          POST    rep_zone    in        403  403  ok   403  404  ok
lookup                             GET     -           in        ok   ok   ok   ok   ok   ok
inbox                              GET     -           in        ok   ok   ok   ok   ok   ok
tasks                              GET     -           in        ok   ok   ok   ok   ok   ok
visits                             GET     -           in        ok   ok   ok   ok   ok   ok
visit_done                         POST    visit       in        ok   404  404  404  404  404
lead                               GET     lead        in        ok   404  ok   404  404  ok
lead_merge                         GET     lead        in        ok   404  ok   404  404  ok
lead_merge                         POST    lead        in        422  404  422  404  404  422
lead_import                        GET     -           in        ok   ok   ok   ok   ok   ok
lead_import                        POST    -           in        ok   ok   ok   ok   ok   ok
lead_import_one                    GET     upload      in        ok   404  404  404  404  ok
lead_import_one                    POST    upload      in        ok   404  404  404  404  ok
lead_import_progress               GET     upload      in        ok   404  404  404  404  ok
lead_import_refused                GET     upload      in        ok   404  404  404  404  ok
lead_import_discard                POST    upload      in        ok   404  404  404  404  ok
pipeline                           GET     -           in        403  403  ok   403  ok   ok
pipeline_leads                     GET     -           in        403  403  ok   403  ok   ok
engine                             GET     -           in        403  403  403  403  403  ok
engine_try_again                   POST    set_aside   in        403  403  403  403  403  ok
engine_try_lead_again              POST    given_up_lead in      403  403  403  403  403  ok

rules                              GET     -           in        403  403  ok   403  ok   ok
rules_run                          GET     -           in        403  403  ok   403  ok   ok
rules_versions                     GET     -           in        403  403  ok   403  ok   ok
rules_kinds                        GET     -           in        403  403  ok   403  ok   ok
rules_kinds                        POST    -           in        403  403  ok   403  ok   ok
rules_lines                        GET     -           in        403  403  ok   403  ok   ok
rules_history                      GET     -           in        403  403  ok   403  ok   ok
rules_cadences                     GET     -           in        403  403  ok   403  ok   ok
rules_cadence                      GET     cadence     in        403  403  ok   403  ok   ok
rules_cadence                      POST    cadence     in        403  403  ok   403  ok   ok
rules_cadence_copy                 POST    cadence     in        403  403  ok   403  ok   ok
rules_cadence_default              POST    cadence     in        403  403  ok   403  ok   ok
rules_cadence_retire               POST    cadence     in        403  403  ok   403  ok   ok
rules_tracks                       GET     -           in        ok   ok   ok   ok   ok   ok
rules_track                        GET     track       in        ok   ok   ok   ok   ok   ok
rules_track                        POST    track_draft in        403  403  ok   403  ok   ok
rules_track_new                    POST    -           in        403  403  ok   403  ok   ok
rules_track_preview                POST    track_draft in        403  403  ok   403  ok   ok
rules_track_draft                  POST    track       in        403  403  ok   403  ok   ok
rules_track_discard                POST    track_draft in        403  403  ok   403  ok   ok
rules_track_retire                 POST    track       in        403  403  ok   403  ok   ok
rules_outcomes                     GET     -           in        403  403  ok   403  ok   ok
rules_guard                        GET     -           in        403  403  ok   403  ok   ok
rules_guard_new                    GET     -           in        403  403  403  403  403  ok
rules_guard_new                    POST    -           in        403  403  403  403  403  ok
rules_guard_try                    GET     -           in        403  403  ok   403  ok   ok
rules_guard_try                    POST    -           in        403  403  ok   403  ok   ok
rules_guard_rule                   GET     guard_rule  in        403  403  ok   403  ok   ok
rules_guard_edit                   GET     guard_rule  in        403  403  403  403  403  ok
rules_guard_edit                   POST    guard_rule  in        403  403  403  403  403  ok
rules_guard_verified               POST    guard_rule  in        403  403  403  403  403  ok
rules_guard_withdraw               POST    coming_rule in        403  403  403  403  403  ok
rules_guard_retire                 POST    guard_rule  in        403  403  403  403  403  ok
rules_version                      GET     rules_version in        403  403  ok   403  ok   ok
rules_draft                        GET     -           in        403  403  ok   403  ok   ok
rules_draft_start                  POST    -           in        403  403  ok   403  ok   ok
rules_draft_add                    POST    -           in        403  403  ok   403  ok   ok
rules_draft_change                 POST    draft_rule  in        403  403  ok   403  ok   ok
rules_draft_settings               POST    -           in        403  403  ok   403  ok   ok
rules_draft_preview                GET     -           in        403  403  ok   403  ok   ok
rules_draft_publish                POST    -           in        403  403  ok   403  ok   ok
rules_draft_discard                POST    -           in        403  403  ok   403  ok   ok
rules_kind                         GET     kind        in        403  403  ok   403  ok   ok
rules_kind                         POST    kind        in        403  403  ok   403  ok   ok
rules_kind_remove                  POST    kind        in        403  403  ok   403  ok   ok
rules_line                         POST    kind        in        403  403  ok   403  ok   ok

compliance                         GET     -           in        403  403  ok   403  ok   ok
compliance_dials                   GET     -           in        403  403  ok   403  ok   ok
compliance_registries              GET     -           in        403  403  ok   403  ok   ok
compliance_registries              POST    -           in        403  403  ok   403  ok   ok
compliance_registries_progress     GET     -           in        403  403  ok   403  ok   ok
compliance_load                    GET     refused_load in       403  403  ok   403  ok   ok
compliance_load                    POST    refused_load in       403  403  403  403  403  ok
compliance_load_progress           GET     refused_load in       403  403  ok   403  ok   ok
compliance_load_rejected           GET     refused_load in       403  403  ok   403  ok   ok
compliance_lookup                  GET     -           in        403  403  ok   403  ok   ok
compliance_lookup                  POST    -           in        403  403  ok   403  ok   ok
compliance_audit                   GET     -           in        403  403  ok   403  ok   ok
compliance_people                  GET     -           in        403  403  ok   403  ok   ok
compliance_person_export           POST    lead        in        403  403  ok   403  404  ok
compliance_person_erase            GET     lead        in        403  403  403  403  403  ok
compliance_person_erase            POST    lead        in        403  403  403  403  403  ok
compliance_person_readmit          POST    -           in        403  403  403  403  403  422
compliance_evidence                GET     -           in        403  403  ok   403  ok   ok
compliance_evidence_call           GET     logged_call in        403  403  ok   403  404  ok
compliance_evidence_export         POST    evidence_format in    403  403  ok   403  ok   ok
compliance_own_list                GET     -           in        403  403  ok   403  ok   ok
compliance_own_list_add            POST    -           in        403  403  ok   403  ok   ok
compliance_own_list_upload         POST    -           in        403  403  ok   403  ok   ok
compliance_own_list_export         POST    -           in        403  403  ok   403  ok   ok
compliance_own_list_load           GET     own_list_load in        403  403  ok   403  ok   ok
compliance_own_list_refused        GET     own_list_load in        403  403  ok   403  ok   ok
compliance_own_list_one            GET     suppression in        403  403  ok   403  ok   ok
compliance_own_list_lift           POST    suppression in        403  403  403  403  403  ok
compliance_wishes                  GET     -           in        403  403  ok   403  ok   ok
compliance_wish_decide             POST    wish        in        403  403  ok   403  404  ok
compliance_complaints              GET     -           in        403  403  ok   403  ok   ok
compliance_complaint_handle        POST    complaint   in        403  403  ok   403  404  ok
compliance_consents                GET     -           in        403  403  ok   403  ok   ok
compliance_consent                 GET     consent     in        403  403  ok   403  404  ok
compliance_consent                 POST    consent     in        403  403  ok   403  404  ok
compliance_customers               GET     -           in        403  403  ok   403  ok   ok
compliance_customer_add            POST    -           in        403  403  ok   403  ok   ok
compliance_customers_upload        POST    -           in        403  403  ok   403  ok   ok
compliance_customer                GET     customer    in        403  403  ok   403  ok   ok
compliance_customer                POST    customer    in        403  403  ok   403  ok   ok

api_schema                         GET     -           ok        ok   ok   ok   ok   ok   ok
api_docs                           GET     -           ok        ok   ok   ok   ok   ok   ok
api_nothing_here                   GET     nowhere     404       404  404  404  404  404  404
api_touchpoints                    GET     -           401       ok   ok   ok   ok   ok   ok
api_touchpoints                    POST    -           401       ok   202  ok   202  202  ok
api_touchpoints                    PATCH   -           401       ok   404  ok   404  404  ok
api_touchpoints                    DELETE  -           401       ok   404  ok   404  404  ok
api_touchpoints_batch              POST    -           401       ok   ok   ok   ok   ok   ok
api_touchpoints_one                GET     touchpoint  401       ok   404  ok   404  404  ok
api_touchpoints_one                PATCH   touchpoint  401       ok   404  ok   404  404  ok
api_touchpoints_one                DELETE  touchpoint  401       ok   404  ok   404  404  ok
api_leads                          GET     -           401       ok   ok   ok   ok   ok   ok
api_leads                          POST    -           401       ok   ok   ok   ok   ok   ok
api_leads_one                      GET     lead        401       ok   404  ok   404  404  ok
api_leads_one                      PATCH   lead        401       ok   404  ok   404  404  ok
api_leads_research                 GET     lead        401       ok   404  ok   404  404  ok
api_leads_guard                    GET     lead        401       ok   404  ok   404  404  ok
api_leads_dial                     POST    lead        401       ok   404  ok   404  404  ok
api_leads_pursuit_pause            POST    lead        401       ok   404  ok   404  404  ok
api_leads_pursuit_resume           POST    resting     401       ok   404  ok   404  404  ok
api_leads_pursuit_stop             POST    lead        401       ok   404  ok   404  404  ok
api_calls                          GET     -           401       ok   ok   ok   ok   ok   ok
api_calls                          POST    -           401       ok   400  ok   400  400  ok
api_calls_one                      GET     open_call   401       ok   404  ok   404  404  ok
api_calls_outcome                  POST    open_call   401       ok   404  ok   404  404  ok
api_calls_outcome                  PATCH   earlier_call 401       ok   404  ok   404  404  ok
api_queue_next                     GET     -           401       ok   ok   ok   ok   ok   ok
api_queue_skip                     POST    follow_up   401       ok   404  ok   404  404  ok
api_queue_done                     POST    message     401       ok   404  ok   404  404  ok
api_meetings                       GET     -           401       ok   ok   ok   ok   ok   ok
api_meetings_one                   GET     meeting     401       ok   404  ok   404  404  ok
api_meetings_one                   PATCH   meeting     401       ok   404  ok   404  404  ok
api_segments                       GET     -           401       ok   ok   ok   ok   ok   ok
api_segments                       POST    -           401       ok   ok   ok   ok   ok   ok
api_segments_one                   GET     segment     401       ok   404  404  404  404  404
api_segments_one                   PATCH   segment     401       ok   404  404  404  404  404
api_segments_one                   DELETE  segment     401       ok   404  404  404  404  404
api_lists                          GET     -           401       ok   ok   ok   ok   ok   ok
api_lists                          POST    -           401       ok   ok   ok   ok   ok   ok
api_lists_one                      GET     list        401       ok   ok   ok   ok   ok   ok
api_lists_one                      PATCH   list        401       403  403  ok   403  ok   ok
api_imports                        GET     -           401       ok   ok   ok   ok   ok   ok
api_imports_one                    GET     upload      401       ok   404  404  404  404  ok
api_suppressions                   GET     -           401       403  403  ok   403  ok   ok
api_suppressions                   POST    -           401       ok   400  ok   400  400  ok
api_suppressions_one               GET     suppression 401       403  403  ok   403  ok   ok
api_suppressions_lift              POST    suppression 401       403  403  403  403  403  ok
api_consents                       GET     -           401       ok   ok   ok   ok   ok   ok
api_consents                       POST    -           401       ok   400  ok   400  400  ok
api_consents_one                   GET     consent     401       ok   404  ok   404  404  ok
api_consents_end                   POST    consent     401       403  404  ok   404  404  ok
api_consents_revoke                POST    consent     401       ok   404  ok   404  404  ok
api_customers                      GET     -           401       ok   ok   ok   ok   ok   ok
api_customers                      POST    -           401       403  403  ok   403  ok   ok
api_customers_one                  GET     customer    401       ok   ok   ok   ok   ok   ok
api_customers_one                  PATCH   customer    401       403  403  ok   403  ok   ok
api_customers_one                  DELETE  customer    401       403  403  ok   403  ok   ok
api_tasks                          GET     -           401       ok   ok   ok   ok   ok   ok
api_tasks_one                      GET     task        401       ok   404  ok   404  404  ok
api_tasks_done                     POST    task        401       ok   404  ok   404  404  ok
api_rules                          GET     -           401       ok   ok   ok   ok   ok   ok
report-pipeline                    GET     -           401       ok   ok   ok   ok   ok   ok
report-persistence                 GET     -           401       ok   ok   ok   ok   ok   ok
report-activity                    GET     -           401       ok   ok   ok   ok   ok   ok
report-heatmap                     GET     -           401       ok   ok   ok   ok   ok   ok
report-comparison                  GET     -           401       ok   ok   ok   ok   ok   ok

account_login                      GET     -           ok        ok   ok   ok   ok   ok   ok
account_login                      POST    -           ok        ok   ok   ok   ok   ok   ok
account_logout                     GET     -           in        ok   ok   ok   ok   ok   ok
account_logout                     POST    -           in        in   in   in   in   in   in
account_inactive                   GET     -           ok        ok   ok   ok   ok   ok   ok
account_signup                     GET     -           ok        ok   ok   ok   ok   ok   ok
account_reauthenticate             GET     -           in        ok   ok   ok   ok   ok   ok
account_email                      GET     -           in        ok   ok   ok   ok   ok   ok
account_email_verification_sent    GET     -           ok        ok   ok   ok   ok   ok   ok
account_change_password            GET     -           in        ok   ok   ok   ok   ok   ok
account_set_password               GET     -           in        ok   ok   ok   ok   ok   ok
account_reset_password             GET     -           ok        ok   ok   ok   ok   ok   ok
account_reset_password             POST    -           ok        ok   ok   ok   ok   ok   ok
account_confirm_login_code         GET     -           in        ok   ok   ok   ok   ok   ok
account_confirm_email              GET     mail_key    ok        ok   ok   ok   ok   ok   ok
account_reset_password_from_key_done GET   -           ok        ok   ok   ok   ok   ok   ok
account_reset_password_from_key    GET     reset_key   ok        ok   ok   ok   ok   ok   ok
account_reset_password_done        GET     -           ok        ok   ok   ok   ok   ok   ok
mfa_index                          GET     -           in        ok   ok   ok   ok   ok   ok
mfa_authenticate                   GET     -           in        ok   ok   ok   ok   ok   ok
mfa_reauthenticate                 GET     -           in        ok   ok   ok   ok   ok   ok
mfa_activate_totp                  GET     -           in        ok   ok   ok   ok   ok   ok
mfa_deactivate_totp                GET     -           in        404  404  404  404  404  404
mfa_view_recovery_codes            GET     -           in        404  404  404  404  404  404
mfa_generate_recovery_codes        GET     -           in        ok   ok   ok   ok   ok   ok
mfa_download_recovery_codes        GET     -           in        404  404  404  404  404  404
"""

# What a writing request says, so that only who asks decides. Without an entry it says nothing.
Body = Callable[[Stage], dict[str, Any]]
BODIES: dict[tuple[str, str], Body] = {
    ("set_language", "POST"): lambda stage: {"language": "da"},
    ("call_dial", "POST"): lambda stage: {"lead": stage.one("lead").pk, "elsewhere": "1"},
    ("call_skip", "POST"): lambda stage: {"follow_up": stage.one("follow_up").pk, "reason": "lunch"},
    ("call_outcome", "POST"): lambda stage: {"outcome": "no_answer"},
    ("call_note", "POST"): lambda stage: {"notes": "Prefers mail"},
    ("call_zone", "POST"): lambda stage: {"zone": "America/New_York"},
    ("lead_line", "POST"): lambda stage: {"line_type": "mobile"},
    ("lead_zone", "POST"): lambda stage: {"zone": "America/New_York"},
    ("call_amend", "POST"): lambda stage: {"outcome": "busy"},
    ("leads_bulk", "POST"): lambda stage: {"action": "stop", "note": "no fit", "lead": stage.one("lead").pk},
    ("lead_new", "POST"): lambda stage: {"last_name": "Novak"},
    ("lead_edit", "POST"): lambda stage: {"first_name": "Changed", "last_name": "Jones", "fit": "50"},
    ("lead_number_add", "POST"): lambda stage: {"phone": "+1 212 555 0188"},
    ("lead_keeper", "POST"): lambda stage: {"keeper": f"user:{stage.ada.pk}"},
    ("lead_override", "POST"): lambda stage: {
        "temperature": "warm",
        "until": "2026-04-01T12:00",
        "reason": "met at the fair",
    },
    ("lead_suppress", "POST"): lambda stage: {"scope": "person", "reason": "said so"},
    ("consent_add", "POST"): lambda stage: {
        "kind": "consent",
        "channel": "call",
        "starts_at": "2026-03-03T12:00",
        "evidence": "said so on the phone",
    },
    ("consent_end", "POST"): lambda stage: {"how": "revoke", "reason": "changed their mind"},
    ("complaint_add", "POST"): lambda stage: {"said": "I will report you"},
    ("wish_decide", "POST"): lambda stage: {"decision": "confirm"},
    ("compliance_registries", "POST"): lambda stage: {
        "registry": "us-ftc",
        "files": SimpleUploadedFile("2026-3-1_212_x.txt", b"212,5550101\n"),
    },
    ("compliance_load", "POST"): lambda stage: {
        "file": SimpleUploadedFile("2026-3-1_212_x.txt", b"212,5550101\n"),
        "reason": "they cleaned up",
    },
    ("compliance_lookup", "POST"): lambda stage: {"number": NUMBER},
    ("compliance_own_list_add", "POST"): lambda stage: {
        "scope": "number",
        "what": "+1 212 555 0191",
        "channel": "letter",
        "reason": "wrote to us",
    },
    ("compliance_own_list_upload", "POST"): lambda stage: {
        "file": SimpleUploadedFile("stop.csv", b"number\n+12125550192\n"),
        "region": "US",
    },
    ("compliance_own_list_lift", "POST"): lambda stage: {
        "reason": "signed up again",
        "evidence": "form of 3 March",
    },
    ("compliance_wish_decide", "POST"): lambda stage: {"decision": "decline", "reason": "a joke"},
    ("compliance_complaint_handle", "POST"): lambda stage: {"status": "answered", "handling": "rang them"},
    ("compliance_consent", "POST"): lambda stage: {
        "kind": "consent",
        "channel": "call",
        "starts_at": "2026-03-03T12:00",
        "evidence": "the form of 3 March",
    },
    ("compliance_customer_add", "POST"): lambda stage: {"name": "Hooli", "domain": "hooli.example"},
    ("compliance_customers_upload", "POST"): lambda stage: {
        "file": SimpleUploadedFile("customers.csv", b"domain\nhooli.example\n"),
        "region": "US",
    },
    ("compliance_customer", "POST"): lambda stage: {"name": "Umbrella Inc", "domain": "umbrella.example"},
    ("api_consents", "POST"): lambda stage: {
        "lead": stage.one("lead").pk,
        "evidence": "said so on the phone",
    },
    ("api_consents_end", "POST"): lambda stage: {"reason": "contract over"},
    ("api_consents_revoke", "POST"): lambda stage: {"reason": "changed their mind"},
    ("touchpoint_add", "POST"): lambda stage: {"kind": "event", "when": "2026-03-03T12:00"},
    ("touchpoint_correct", "POST"): lambda stage: {"kind": "referral", "when": "2026-03-03T12:00"},
    ("pursuit_stop", "POST"): lambda stage: {"note": "no fit"},
    ("pursuit_pause", "POST"): lambda stage: {"until": "2026-03-20T10:00", "why": "budget frozen"},
    ("segment_save", "POST"): lambda stage: {"name": "new ones"},
    ("lookup_inbound", "POST"): lambda stage: {"outcome": "info_requested"},
    ("inbox_settle", "POST"): lambda stage: {"to": stage.one("lead").pk},
    ("lead_import_one", "POST"): lambda stage: {
        "list_name": "Fair",
        "region": "US",
        "who": f"user-{stage.ada.pk}",
        "column_0": "full_name",
        "column_1": "email",
    },
    ("lead_import", "POST"): lambda stage: {"file": SimpleUploadedFile("people.csv", b"name\nAnn Lee\n")},
    ("rules_draft_add", "POST"): lambda stage: RULE,
    ("rules_draft_change", "POST"): lambda stage: RULE,
    ("rules_draft_settings", "POST"): lambda stage: {"half_life_days": "10"},
    ("rules_draft_publish", "POST"): lambda stage: {"stamp": rulesets.stamp(stage.one("draft"))},
    ("rules_kinds", "POST"): lambda stage: {
        "key": "brunch",
        "label": "Brunch",
        "direction": "inbound",
        **RULE,
    },
    ("rules_kind", "POST"): lambda stage: {"label": "Brunch", "direction": "inbound"},
    ("rules_line", "POST"): lambda stage: {"language": "en", "tone": "formal", "text": "We had brunch."},
    ("rules_cadence", "POST"): lambda stage: {
        "name": "Short",
        "recycle_after_days": "90",
        "position": "1",
        "steps-TOTAL_FORMS": "1",
        "steps-INITIAL_FORMS": "0",
        "steps-0-wait_days": "0",
        "steps-0-channel": "call",
        "sample-zone": "UTC",
        "sample-country": "US",
    },
    ("rules_cadence_copy", "POST"): lambda stage: {"name": "Another"},
    ("rules_track_new", "POST"): lambda stage: {"name": "Another", "language": "en"},
    ("rules_track", "POST"): lambda stage: {
        "name": "Mine",
        "position": "1",
        "intro": "We sell meters.",
        "pitch": "Two weeks of measuring.",
        **{f"{part}-{name}_FORMS": "0" for part in PARTS for name in ("TOTAL", "INITIAL")},
    },
    ("call_block", "POST"): lambda stage: {"size": "25"},
    ("meeting_move", "POST"): lambda stage: {"starts_at": "2026-03-20T10:00"},
    ("meeting_call_off", "POST"): lambda stage: {"why": "budget frozen"},
    ("settings", "POST"): lambda stage: {"language": "en", "tone": "formal", "time_zone": "UTC"},
    ("settings_keys", "POST"): lambda stage: {"reset": "1"},
    ("settings_absences", "POST"): lambda stage: {
        "user": stage.ada.pk,
        "starts_on": "2026-03-09",
        "ends_on": "2026-03-10",
    },
    ("settings_member", "POST"): lambda stage: {"dials_a_day": "60"},
    ("settings_deal", "POST"): lambda stage: {"method": "pool", "days": "5", "step": "deal"},
    ("settings_sharing", "POST"): lambda stage: {
        "gives_new": "pool",
        "gives_hand_raises": "pool",
        "idle_days": "9",
    },
    ("rules_guard_new", "POST"): lambda stage: {
        **GUARD_RULE,
        "jurisdiction": "NO",
        "audience": "any",
        "effective_from": "2026-03-01",
    },
    ("rules_guard_edit", "POST"): lambda stage: {**GUARD_RULE, "effective_from": "2099-01-01"},
    ("rules_guard_withdraw", "POST"): lambda stage: {"reason": "not passed after all"},
    ("rules_guard_retire", "POST"): lambda stage: {"reason": "the law was repealed"},
    ("rules_guard_try", "POST"): lambda stage: {"number": NUMBER, "audience": "consumer"},
    ("account_login", "POST"): lambda stage: {"login": "ada", "password": "wrong"},
    ("account_reset_password", "POST"): lambda stage: {"email": "nobody@thaw.example"},
    ("api_touchpoints", "POST"): lambda stage: {**OF_ANN, "external_id": "t-9"},
    ("api_touchpoints", "PATCH"): lambda stage: {"summary": "changed"},
    ("api_touchpoints_batch", "POST"): lambda stage: {"touchpoints": []},
    ("api_touchpoints_one", "PATCH"): lambda stage: {"summary": "changed"},
    ("api_leads", "POST"): lambda stage: {"last_name": "Novak"},
    ("api_leads_one", "PATCH"): lambda stage: {"first_name": "Changed"},
    ("api_leads_dial", "POST"): lambda stage: {},
    ("api_leads_pursuit_pause", "POST"): lambda stage: {
        "until": (NOON + timedelta(days=9)).isoformat(),
        "why": "budget frozen",
    },
    ("api_leads_pursuit_resume", "POST"): lambda stage: {},
    ("api_leads_pursuit_stop", "POST"): lambda stage: {"reason": "no fit"},
    ("api_calls", "POST"): lambda stage: {
        "source": "pbx",
        "external_id": "c-1",
        "lead": stage.one("lead").pk,
        "direction": "outbound",
        "started_at": (NOON - timedelta(hours=1)).isoformat(),
        "duration_seconds": 9,
    },
    ("api_calls_outcome", "POST"): lambda stage: {"outcome": "no_answer"},
    ("api_calls_outcome", "PATCH"): lambda stage: {"outcome": "not_interested"},
    ("api_queue_skip", "POST"): lambda stage: {"reason": "lunch"},
    ("api_queue_done", "POST"): lambda stage: {"note": "sent"},
    ("visit_done", "POST"): lambda stage: {"outcome": "met"},
    ("task_cannot", "POST"): lambda stage: {"reason": "nobody knows"},
    ("task_match", "POST"): lambda stage: {"to": "discard"},
    ("task_zone", "POST"): lambda stage: {"zone": "America/New_York"},
    ("lead_research", "POST"): lambda stage: {"needs": "changed"},
    ("lead_job", "POST"): lambda stage: {"company": "Hooli"},
    ("api_meetings_one", "PATCH"): lambda stage: {"status": "held"},
    ("api_segments", "POST"): lambda stage: {"name": "new ones", "query": {"stage": "new"}},
    ("api_segments_one", "PATCH"): lambda stage: {"shared": True},
    ("api_lists", "POST"): lambda stage: {"name": "Autumn fair"},
    ("api_lists_one", "PATCH"): lambda stage: {"name": "Spring fair"},
    ("api_suppressions", "POST"): lambda stage: {"scope": "person", "lead": stage.one("lead").pk},
    ("api_suppressions_lift", "POST"): lambda stage: {"reason": "they signed up again", "evidence": "form"},
    ("api_customers", "POST"): lambda stage: {"name": "Hooli", "domain": "hooli.example"},
    ("api_customers_one", "PATCH"): lambda stage: {"name": "Umbrella Inc"},
    ("api_tasks_done", "POST"): lambda stage: {},
}
RULE = {"kind": "event", "warms_for_days": "60", "counts_at_most": "2", "active": "on"}
GUARD_RULE = {
    "step": "save",
    "has_hours": "no",
    "hours_bind_business": "on",
    "dials_cap": "2",
    "dials_cap_hours": "24",
    "refusal_bars_days": "0",
    "citation": "a law",
    "reason": "it changed",
    **{
        f"{rows}-{name}": "0"
        for rows in ("registries", "exemptions")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    },
}
OF_ANN = {
    "kind": "event",
    "occurred_at": (NOON - timedelta(days=1)).isoformat(),
    "source": "forms",
    "lead": {"email": "ann@acme.example"},
}
# Addresses that name their row in the query, and the row.
QUERIES = {
    ("rules_draft", "GET"): ("", "draft"),
    ("rules_draft_add", "POST"): ("", "draft"),
    ("rules_draft_settings", "POST"): ("", "draft"),
    ("rules_draft_preview", "GET"): ("", "draft"),
    ("rules_draft_publish", "POST"): ("", "draft"),
    ("rules_draft_discard", "POST"): ("", "draft"),
    ("api_touchpoints", "PATCH"): ("?source=forms&external_id=t-1", "touchpoint"),
    ("api_touchpoints", "DELETE"): ("?source=forms&external_id=t-1", "touchpoint"),
    ("api_touchpoints", "POST"): ("", "lead"),
    ("settings_absences", "POST"): ("", "member"),
    ("compliance_dials", "GET"): ("?tile=blocked&part=all", "lead"),
    ("api_consents", "POST"): ("", "lead"),
    ("pipeline_leads", "GET"): ("?tile=funnel&part=attempted.cold", "lead"),
}
# Looking at these takes a lead in hand: the queue leases what it shows.
TAKES_IN_HAND = {"call", "api_queue_next"}
VERBS = ("GET", "POST", "PATCH", "PUT", "DELETE")
# What any request may write: that the session or the key was used, and how often somebody tried to sign in.
KEPT_ANYWAY = ("django_session", "accounts_apikey", "cache")
WRITES = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)

# What an admin may change in the back office, model by model; everything else there is only read.
BACK_OFFICE = {
    "account.emailaddress": "add change delete",
    "accounts.absence": "add change delete",
    "accounts.apikey": "change delete",
    "accounts.team": "add change",
    "accounts.user": "add change",
    "auth.group": "add change delete",
    "leads.auditevent": "",
    "leads.company": "add change",
    "leads.consent": "",
    "leads.customer": "",
    "leads.guardrule": "",
    "leads.lead": "",
    "leads.leadlist": "add change",
    "leads.number": "",
    "leads.ownlistload": "",
    "leads.registryload": "",
    "leads.segment": "add change delete",
    "leads.suppression": "",
    "leads.workspace": "change",
    "mfa.authenticator": "add change delete",
    "touchpoints.icebreaker": "",
    "touchpoints.touchpointkind": "",
    "touchpoints.blockeddial": "",
    "touchpoints.cadence": "",
    "touchpoints.callattempt": "",
    "touchpoints.complaint": "",
    "touchpoints.followup": "",
    "touchpoints.handraise": "",
    "touchpoints.meeting": "",
    "touchpoints.outcome": "change",
    "touchpoints.promise": "",
    "touchpoints.pursuit": "",
    "touchpoints.rulechangerun": "",
    "touchpoints.sweeprun": "",
    "touchpoints.talktrack": "",
    "touchpoints.task": "",
    "touchpoints.temperaturechange": "",
    "touchpoints.temperatureoverride": "",
    "touchpoints.touchpoint": "",
    "touchpoints.unmatchedtouchpoint": "",
    "touchpoints.warmthruleset": "",
    "touchpoints.wish": "",
}


# Rights do not hang on the database: once is enough.
pytestmark = pytest.mark.skipif(not IS_SQLITE, reason="the matrix runs beside SQLite")


# --- the table and the URL conf ------------------------------------------------------------------------------------


def read_table() -> dict[str, dict[str, tuple[str, dict[str, str]]]]:
    """{name: {verb: (of, {role: decision})}}"""
    lines = [line.split() for line in TABLE.strip().splitlines() if line.strip()]
    assert tuple(lines[0][3:]) == ROLES
    table: dict[str, dict[str, tuple[str, dict[str, str]]]] = {}
    for name, verb, of, *decisions in lines[1:]:
        assert len(decisions) == len(ROLES), f"{name} {verb}: a decision for each of {', '.join(ROLES)}"
        assert verb not in table.get(name, {}), f"{name} {verb} is in the table twice"
        table.setdefault(name, {})[verb] = (of, dict(zip(ROLES, decisions, strict=True)))
    return table


def walk(resolver: Any, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, address pattern) of every view, whatever includes it."""
    for pattern in resolver.url_patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from walk(pattern, address, inner)
        else:
            assert isinstance(pattern, URLPattern)
            yield f"{space}{pattern.name or pattern.lookup_str}", address


DECIDED = read_table()
ADDRESSES = dict(walk(get_resolver()))
OURS = {name: address for name, address in ADDRESSES.items() if not name.startswith("admin:")}
BACK_OFFICE_NAMES = sorted(set(ADDRESSES) - set(OURS) - {"admin:login", "admin:logout"})


def test_every_address_has_a_decision() -> None:
    undecided = [f"{name} ({address})" for name, address in OURS.items() if name not in DECIDED]
    assert not undecided, (
        f"Nobody decided who may use {', '.join(undecided)}: add a line for each verb to TABLE in {__file__}, "
        "and what a permitted request says to BODIES."
    )


def test_no_decision_outlives_its_address() -> None:
    assert not set(DECIDED) - set(OURS), "no view has this name any more: take its lines out of TABLE"


# --- trying it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(ada, bea, max_, cy, person, south, root, time_machine) -> Stage:
    time_machine.move_to(NOON, tick=False)
    mo = person("mo", role="manager", team=south)
    gone = person("gone", role="admin")
    cast = {"ada": ada, "bea": bea, "max": max_, "cy": cy, "mo": mo, "root": root, "gone": gone}
    # The login's own pages would make these when first looked at.
    EmailAddress.objects.bulk_create(
        EmailAddress(user=one, email=one.email, primary=True) for one in cast.values()
    )
    return Stage(cast)


@dataclass
class Tries:
    """Sends requests as somebody, each in a transaction that is taken back, and watches what they write."""

    stage: Stage
    api_key: Callable[..., str]
    sessions: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def ask(
        self, name: str, verb: str, of: str, who: str, *, csrf: bool = False, **key: Any
    ) -> SimpleNamespace:
        """The answer: its status, whether it leads to the login, and the tables written to."""
        is_api = reverse_of(name, self.stage, of).startswith("/api/") and not csrf
        client = Client(enforce_csrf_checks=csrf)
        query, needed = QUERIES.get((name, verb), ("", "-"))
        self.stage.arguments(needed)
        url = reverse_of(name, self.stage, of) + query
        body = BODIES.get((name, verb), lambda _stage: {})(self.stage)
        headers = {"Authorization": f"Bearer {self._key(who, key)}"} if is_api and who != "anonymous" else {}
        if not is_api and who != "anonymous":
            client.cookies["sessionid"] = self._session(who)
        sent: dict[str, Any] = {"data": body, "headers": headers}
        if url.startswith("/api/") or verb not in ("GET", "POST"):
            sent["content_type"] = "application/json"
        if verb == "GET":
            sent = {"headers": headers}
        with transaction.atomic(), CaptureQueriesContext(connection) as seen:
            response = getattr(client, verb.lower())(url, **sent)
            transaction.set_rollback(True)
        if response.streaming:
            b"".join(response.streaming_content)  # type: ignore[arg-type]
        target = response.headers.get("Location", "")
        written = {match[1] for query in seen if (match := WRITES.match(query["sql"]))}
        return SimpleNamespace(
            status=response.status_code,
            is_sent_to_login=response.status_code == 302 and target.startswith("/account/login/"),
            written=sorted(written - set(KEPT_ANYWAY)),
            said=response.content[:300] if not response.streaming else b"",
        )

    def _session(self, who: str) -> str:
        if who not in self.sessions:
            user, client = self.stage.cast[who], Client()
            client.force_login(user)
            self.sessions[who] = client.cookies["sessionid"].value
            if who == "gone":
                type(user).objects.filter(pk=user.pk).update(is_active=False)
        return self.sessions[who]

    def _key(self, who: str, key: dict[str, Any]) -> str:
        known = (who, str(key))
        if known not in self.keys:
            user = self.stage.cast[who]
            self.keys[known] = self.api_key(user, **key)
            if who == "gone":
                type(user).objects.filter(pk=user.pk).update(is_active=False)
        return self.keys[known]


def reverse_of(name: str, stage: Stage, of: str) -> str:
    return reverse(name, args=stage.arguments(of))


@pytest.fixture
def tries(stage, api_key) -> Tries:
    return Tries(stage, api_key)


def complaint(answer: SimpleNamespace, decision: str) -> str:
    """What is wrong with an answer; "" where it is what was decided."""
    if answer.status >= 500 and str(answer.status) != decision:
        return "broke"
    refused = answer.is_sent_to_login or answer.status >= 400
    if refused and answer.written:
        return f"was refused, having written to {', '.join(answer.written)}"
    if decision == "in":
        return "" if answer.is_sent_to_login else "was not sent to the login"
    if decision == "ok":
        return "was refused" if refused else ""
    return "" if answer.status == int(decision) else f"expected {decision}"


def decision_for(role: str, decisions: dict[str, str], address: str) -> str:
    if role != "gone":
        return decisions[role]
    # A key of somebody who left is no key, even where none is needed.
    return "401" if address.startswith("api/") and decisions["anonymous"] == "ok" else decisions["anonymous"]


@pytest.mark.parametrize("name", sorted(set(DECIDED) & set(OURS)))
def test_who_may_do_what(name: str, tries: Tries) -> None:
    wrong = []
    for verb in VERBS:
        listed = DECIDED[name].get(verb)
        # Nobody may do more than an admin: what is not in the table need not be tried as everybody.
        for role in (*ROLES, "gone") if listed else ("anonymous", "root"):
            of = (listed or next(iter(DECIDED[name].values())))[0]
            answer = tries.ask(name, verb, of, role)
            if name == "account_logout" and role not in ("anonymous", "gone"):
                # Whoever signs out is sent to the login when that is done, and lets go of the lead in hand.
                answer.written = [table for table in answer.written if table != "touchpoints_followup"]
            if listed:
                found = complaint(answer, decision_for(role, listed[1], OURS[name]))
                if verb == "GET" and answer.written and name not in TAKES_IN_HAND:
                    found = found or f"was only looked at and wrote to {', '.join(answer.written)}"
            else:
                found = complaint_of_unlisted(name, answer)
            if found:
                wrong.append(f"{role} {verb}: {found} ({answer.status} {answer.said!r})")
    assert not wrong, "\n".join([name, *wrong])


def complaint_of_unlisted(name: str, answer: SimpleNamespace) -> str:
    if answer.status >= 500:
        return "broke"
    if answer.written:
        return f"wrote to {', '.join(answer.written)}"
    # Pages that are not ours show themselves again for anything they do not understand.
    if name.startswith(("account_", "mfa_", "set_language")) or answer.is_sent_to_login:
        return ""
    return "" if answer.status in (401, 403, 404, 405) else "is not in the table and was not refused"


WRITING = sorted(
    (name, verb, of)
    for name, verbs in DECIDED.items()
    for verb, (of, _who) in verbs.items()
    if verb != "GET" and name in OURS
)


@pytest.mark.parametrize(("name", "verb", "of"), WRITING, ids=lambda value: str(value))
def test_a_session_without_its_token_writes_nothing(name: str, verb: str, of: str, tries: Tries) -> None:
    answer = tries.ask(name, verb, of, "root", csrf=True)
    assert (answer.status, answer.written) == (403, []), answer.said


@pytest.mark.parametrize("name", sorted(n for n in DECIDED if OURS.get(n, "").startswith("api/v1/")))
def test_a_key_s_scopes_narrow_what_its_user_may(name: str, tries: Tries) -> None:
    resource = OURS[name].split("/")[2]
    for verb, (of, who) in DECIDED[name].items():
        if who["root"] != "ok":
            continue
        needed = "read" if verb == "GET" else "write"
        other = "write" if verb == "GET" else "read"
        for scopes, status in (
            ([needed], "ok"),
            ([f"{resource}:{needed}"], "ok"),
            ([other], "403"),
            ([f"{resource}:{other}"], "403"),
            ([f"webhooks:{needed}"], "403"),
        ):
            found = complaint(tries.ask(name, verb, of, "root", scopes=scopes), status)
            assert not found, f"{verb} {name} with {scopes}: {found}"


# --- the back office ------------------------------------------------------------------------------------------------


def test_the_back_office_changes_only_what_was_decided(rf, root) -> None:
    request = rf.get("/admin/")
    request.user = root
    rights = {
        model._meta.label_lower: " ".join(
            verb
            for verb in ("add", "change", "delete")
            if getattr(model_admin, f"has_{verb}_permission")(request)
        )
        for model, model_admin in admin.site._registry.items()
    }
    assert rights == BACK_OFFICE, f"decide what admins may do with each model: BACK_OFFICE in {__file__}"


def test_the_back_office_is_for_operators_alone(stage: Stage) -> None:
    wrong = []
    for role in ("anonymous", "ada", "mo"):
        client = Client()
        if role != "anonymous":
            client.force_login(stage.cast[role])
        for name in BACK_OFFICE_NAMES:
            url = "/" + re.sub(r"<[^>]+>|\^|\$|\(\?P<[^)]+\)|\(\?:.*", "1", ADDRESSES[name])
            for verb in ("get", "post"):
                with CaptureQueriesContext(connection) as seen:
                    response = getattr(client, verb)(url)
                written = {match[1] for query in seen if (match := WRITES.match(query["sql"]))}
                if response.status_code not in (302, 403, 404) or written - set(KEPT_ANYWAY):
                    wrong.append(f"{role} {verb} {url}: {response.status_code} {written}")
    assert not wrong, "\n".join(wrong[:20])


def test_the_back_office_shows_every_model(stage: Stage) -> None:
    client = Client()
    client.force_login(stage.cast["root"])
    for what in ("lead", "follow_up", "touchpoint", "logged_call", "meeting", "task", "suppression"):
        stage.one(what)
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{base}_changelist")).status_code == 200, model
        one = model._default_manager.first()
        if one is not None:
            assert client.get(reverse(f"{base}_change", args=[one.pk])).status_code == 200, model
