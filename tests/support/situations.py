"""The table of situations: what machines and files can do to a run, what the user sees, and what is kept.

`fault_table` shows it on docs/reliability.md; `test_reliability` checks that each named test exists and expects what
the row quotes.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One situation; `test` names its proof as `path::name` below tests, `says` is a part of the message."""

    where: str
    happens: str
    seen: str
    kept: str
    test: str
    says: str = ""


OLD = "the old dataset"
NOTHING = "the old dataset, if there is one"
SITUATIONS: Sequence[Situation] = (
    Situation(
        where="Machine",
        happens="no home, or one that cannot be written",
        seen="nothing: state and work are with the temporary files, closed to others",
        kept="everything",
        test="options/test_folders.py::test_without_a_home_they_lie_with_temporary_files",
    ),
    Situation(
        where="Machine",
        happens="a user without a name (a container's number)",
        seen="nothing: the lock has the number",
        kept="everything",
        test="options/test_folders.py::test_a_user_whom_nobody_knows_exports",
    ),
    Situation(
        where="Machine",
        happens="a dataset in an image layer (overlayfs)",
        seen="nothing: it is replaced step by step",
        kept="one of the two datasets; the next run finishes",
        test="dataset/test_switch.py::test_a_dataset_in_an_image_layer_is_replaced",
    ),
    Situation(
        where="Machine",
        happens="a file operation fails (another disk, full, forbidden, read-only, broken)",
        seen="one line, exit 1",
        kept="one of the two datasets, and the work",
        test="laws/test_faults.py::test_a_publication_survives_the_failure_of_any_file_operation",
    ),
    Situation(
        where="Machine",
        happens="a full disk during an export",
        seen="one line, exit 1",
        says="free some space and run again",
        kept=f"{OLD}, and what has arrived",
        test="laws/test_crashes.py::test_a_full_disk_is_told_and_gone_on_from",
    ),
    Situation(
        where="Machine",
        happens="two containers of one host name and process number",
        seen="the second one waits for nothing and says who has the lock",
        says="in use by bob",
        kept="everything",
        test="storage/test_lock.py::test_two_processes_of_one_number_on_one_host_do_not_take_each_others_lock",
    ),
    Situation(
        where="Machine",
        happens="a killed container comes back under another name",
        seen="nothing: the lock has ended with its process",
        kept="the work, which is resumed",
        test="storage/test_lock.py::test_a_container_that_was_killed_returns_under_a_new_name",
    ),
    Situation(
        where="Machine",
        happens="an export and a sync are killed in turn",
        seen="what is set aside, or discarded because it is out of date",
        kept="the work of each, per purpose",
        test="laws/test_purposes.py::test_an_export_and_a_sync_that_are_killed_in_turn_both_keep_their_pages",
    ),
    Situation(
        where="Machine",
        happens="SIGTERM during a long computation",
        seen="the usual line within seconds, exit 130",
        kept=f"{OLD}, and the work",
        test="cli/test_stopping.py::test_a_process_in_a_long_computation_is_ended",
    ),
    Situation(
        where="Network",
        happens="a proxy in the environment",
        seen="nothing: requests go through it, unless NO_PROXY lists the host",
        kept="everything",
        test="api/http/test_network.py::test_an_export_heeds_the_environment",
    ),
    Situation(
        where="Network",
        happens="a proxy that cannot be reached",
        seen="one line with the variable that names it",
        says="cannot reach the proxy",
        kept="what has arrived",
        test="api/http/test_network.py::test_a_proxy_that_is_not_there_is_named",
    ),
    Situation(
        where="Network",
        happens="a certificate of a company's own authority",
        seen="one line with the variable that helps",
        says="set SSL_CERT_FILE to the PEM file",
        kept="what has arrived",
        test="api/http/test_network.py::test_an_unknown_authority_ends_in_the_variable_that_helps",
    ),
    Situation(
        where="Server",
        happens="it ignores queries, filters or dates",
        seen="one line, exit 1",
        says="the server ignores what is asked for, and lists everything",
        kept=NOTHING,
        test="runs/export/test_wrong_servers.py::test_what_a_server_ignores_is_refused_in_one_line",
    ),
    Situation(
        where="Server",
        happens="it has lost many records since the last sync",
        seen="both counts and the option, exit 3",
        kept=OLD,
        test="runs/export/test_volume.py::test_a_sync_that_would_withdraw_too_much_publishes_nothing",
    ),
    Situation(
        where="Server",
        happens="nothing matches the query",
        seen="the option that allows it, exit 3",
        kept=OLD,
        test="runs/export/test_volume.py::test_an_export_that_matches_nothing_is_refused_unless_allowed",
    ),
    Situation(
        where="Data file",
        happens="a tar without its end",
        seen="one line with the tar, exit 1",
        says="download it again",
        kept=NOTHING,
        test="runs/ingest/test_data_file.py::test_a_tar_without_its_end_is_refused",
    ),
    Situation(
        where="Data file",
        happens="months without a MANIFEST",
        seen="the verdict `sample`, and why",
        says="has no MANIFEST, so it is not known",
        kept="every record that is there",
        test="runs/ingest/test_data_file.py::test_months_without_a_manifest_claim_nothing",
    ),
    Situation(
        where="Data file",
        happens="a month that lacks records of its list",
        seen="the verdict `incomplete` and the DOIs, exit 3",
        kept=NOTHING,
        test="runs/ingest/test_data_file.py::test_a_month_with_a_missing_record_is_incomplete_without_a_manifest",
    ),
    Situation(
        where="Data file",
        happens="files that a desktop left beside the parts",
        seen="nothing: they are ignored",
        kept="everything",
        test="runs/ingest/test_data_file.py::test_what_a_desktop_left_beside_the_parts_is_ignored",
    ),
    Situation(
        where="Data file",
        happens="a pipe, a link or a sparse terabyte in place of a part",
        seen="one line, exit 1",
        says="is not a regular file",
        kept=NOTHING,
        test="runs/ingest/test_data_file.py::test_a_member_that_is_not_a_regular_file_is_named",
    ),
    Situation(
        where="Data file",
        happens="a saved page of the API",
        seen="one line with the command that splits it",
        kept=NOTHING,
        test="runs/ingest/test_data_file.py::test_a_saved_page_is_refused_with_the_command_that_splits_it",
    ),
    Situation(
        where="List or TOML",
        happens="a byte-order mark, UTF-16, line ends of Windows",
        seen="nothing: it is read",
        kept="everything",
        test="storage/test_text_files.py::test_every_encoding_with_a_mark_and_every_line_end_is_read",
    ),
    Situation(
        where="List or TOML",
        happens="Latin-1",
        seen="one line with file, line and fix, exit 2",
        says="the text is not valid UTF-8; save it as UTF-8",
        kept=NOTHING,
        test="storage/test_text_files.py::test_other_encodings_are_refused_with_the_line",
    ),
    Situation(
        where="Database",
        happens="a PostgreSQL database in Latin-1 that lacks a letter",
        seen="one line with what to do, exit 1",
        kept="the database, unchanged",
        test="warehouses/test_encodings.py::test_a_database_that_lacks_a_letter_is_refused_and_unchanged",
    ),
    Situation(
        where="Dataset",
        happens="links or journals that lead out of it",
        seen="one line, or nothing if they do no harm",
        kept="everything outside",
        test="laws/test_attacks.py::test_nothing_outside_the_dataset_is_touched",
    ),
    Situation(
        where="Dataset",
        happens="a manifest with values of other types",
        seen="one line, exit 2",
        kept="the dataset, unchanged",
        test="laws/test_manifest_fuzz.py::test_a_changed_manifest_ends_in_a_verdict_or_in_one_line",
    ),
)


def table() -> str:
    """Return the table for the page."""
    head = "| Where | What happens | The user sees | What is kept |\n|---|---|---|---|\n"
    return head + "".join(map(_line, SITUATIONS))


def _line(situation: Situation) -> str:
    seen = f"{situation.seen}: “{situation.says}”" if situation.says else situation.seen
    return f"| {situation.where} | {situation.happens} | {seen} | {situation.kept} |\n"
