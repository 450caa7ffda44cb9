//! The part of the list that is about types and bodies of pipelines, as users write them.

/// Hands on what it is given, with its topics after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_signatures {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_text! {
            [$($then)+]
            $($tasks)*
            boxed driven {
                a_pipeline_returned_by_a_function_is_run_in_place
                a_pipeline_returned_by_a_function_is_spawned
                a_spawned_pipeline_fails_with_its_handlers_error
                an_error_still_hands_over_the_collected_values
                a_pipeline_that_cannot_start_is_an_error
                pipelines_of_all_kinds_of_receivers_have_one_type
            }
            partitions driven {
                a_function_may_return_an_iterator_of_one
                a_struct_may_hold_an_iterator_of_one
            }
            trying driven {
                the_error_of_a_question_mark_is_that_of_its_row
                a_row_with_the_error_of_a_question_mark_collects_nothing
                the_error_of_a_question_mark_is_that_of_its_batch
                a_batch_with_the_error_of_a_question_mark_collects_nothing
            }
        }
    };
}
