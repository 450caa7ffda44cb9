//! The part of the list that is about orchestras.

/// Hands on what it is given, with the topics of orchestras after it, to the next part of the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_with_orchestras {
    ([$($then:tt)+] $($tasks:tt)*) => {
        $crate::__conformance_with_pipelines! {
            [$($then)+]
            $($tasks)*
            orchestras driven {
                random_graphs_run_in_dependency_order
                a_hundred_thousand_tasks_run_in_dependency_order
                outputs_flow_to_what_is_declared_after
                many_outputs_of_one_type_come_in_their_order
                nothing_runs_before_it_is_started
                a_task_is_started_with_what_it_depends_on_alone
                what_is_declared_while_others_run_waits_for_them
                a_group_is_started_with_what_it_depends_on
                counts_add_up_while_tasks_come_and_go
                times_are_those_of_the_work
                what_has_ended_can_be_cleared
                contexts_hand_values_to_their_tasks
                work_knows_its_task_by_name
            }
        }
    };
}
