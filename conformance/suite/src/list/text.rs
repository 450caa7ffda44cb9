//! The part of the list that is about formats of text, and what is wrong with text.

/// Hands on what it is given, with the topics of text after it, to the last part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_text {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_reading! {
            [$($then)+]
            $($tasks)*
            row driven {
                fields_are_found_by_index_and_by_name
                without_a_header_there_are_no_names
                the_first_of_two_columns_of_one_name_is_found
                rows_outlive_their_chunk_and_their_pipeline
                a_row_reads_through_serde_and_may_borrow
                an_error_names_field_and_column
                a_row_of_another_width_is_rejected_unless_flexible
                a_type_may_read_rows_by_hand
            }
            dialects driven {
                a_quote_can_be_another_character
                without_a_quote_quotes_are_text
                comments_are_passed_over
                a_comment_may_stand_before_the_header
                settings_go_together_with_a_delimiter
                invalid_quotes_and_comment_characters_are_refused
            }
            csv_options driven {
                an_escape_makes_the_next_character_text
                a_quote_that_is_not_doubled_closes_its_field
                rows_may_end_with_a_character_of_their_own
                lines_are_counted_whatever_ends_a_row
                white_space_is_trimmed_where_it_is_to_be
                all_options_go_through_a_queue
                options_that_contradict_each_other_are_refused
            }
            foreign_inputs driven {
                inputs_of_rust_csv_give_the_rows_that_are_due
                inputs_of_papa_parse_give_the_rows_that_are_due
                inputs_of_python_give_the_rows_that_are_due
                files_of_csv_spectrum_give_the_rows_that_are_due
            }
            headers driven {
                columns_without_a_header_can_be_named
                a_row_of_another_width_than_the_names_is_rejected
                a_header_that_is_passed_over_can_be_replaced
                a_program_sees_the_header_of_each_source
                a_header_that_is_refused_makes_its_source_unreadable
                settings_of_a_header_go_together
            }
            open_quotes driven {
                an_open_quote_reports_its_extent
                a_record_over_the_limit_reports_its_extent
                a_quote_that_another_closes_makes_one_row_unless_it_is_strict
                strict_refuses_quotes_in_fields_and_text_after_quotes
                resync_goes_on_at_the_next_line
                a_record_over_the_line_limit_is_rejected
                an_endless_record_ends_the_pipeline_with_its_first_error
                a_record_cut_short_by_a_failing_source_is_counted
                settings_of_quotes_need_a_quote
            }
            true_texts driven {
                an_overlong_line_is_reported_as_a_line
                plain_text_with_a_compressed_files_name_is_reported
                lines_are_numbered_by_lf_alone
                batches_are_of_files_and_bytes_too
                batches_of_readers_and_queues_are_refused
            }
            json_lines driven {
                each_line_is_a_value
                blank_lines_are_no_values
                an_error_reports_line_and_column
                bad_lines_are_rejected_alone
                utf_16_is_named
                a_value_that_is_refused_may_stop_it
            }
            properties_of_options owned {
                pairs_of_options_give_the_fields_of_one_reader
            }
            properties_of_quotes owned {
                random_text_is_accepted_and_rejected_by_the_rules
            }
        }
    };
}
