// Vocabulary of the proofs: which memory the objects that are alive take.
// SPDX-License-Identifier: BSD-2-Clause
//
// An object is alive while a capability names it, so its memory is that of its capabilities.
#ifndef SPEC_MEMORY_H
#define SPEC_MEMORY_H

#include "core/shape.h"
#include "spec/life.h"
#include "spec/untyped.h"

/*@ predicate has_memory(integer t) = t == CAP_UNTYPED || t == CAP_FRAME || t == CAP_REPLY ||
        (mortal(t) && t != CAP_IRQ_HANDLER);
    logic integer address(integer o) = (o - 0x80000000) * 8;
    logic integer memory_base{L}(integer s) =
        ty{L}(s) == CAP_UNTYPED ? \at(untyped_view[slot_view[s].object].base,L) :
        ty{L}(s) == CAP_FRAME ? ob{L}(s) * 4096 :
        ty{L}(s) == CAP_VSPACE ? address(ob{L}(s) - 512) :
        ty{L}(s) == CAP_PAGE_TABLE ? address(ob{L}(s) - 512) : address(ob{L}(s));
    logic integer memory_size{L}(integer s) =
        shape_bytes(ty{L}(s), ty{L}(s) == CAP_FRAME ? map_size(dt{L}(s)) : dt{L}(s));
    logic integer memory_end{L}(integer s) =
        ty{L}(s) == CAP_UNTYPED ? \at(untyped_view[slot_view[s].object].end,L) :
        memory_base{L}(s) + memory_size{L}(s);
    // The part of an Untyped that objects are made of. Device memory has no watermark.
    logic integer memory_used{L}(integer s) =
        \at(untyped_view[slot_view[s].object].zeroed,L) == 0xffffffffffffffff ?
            \at(untyped_view[slot_view[s].object].end,L) : \at(untyped_view[slot_view[s].object].next,L);

    // INV-58: what is alive lies outside an Untyped, or is made of it, or the Untyped is made of it.
    predicate memory_apart{L} = \forall integer a, b; slot(a) && slot(b) && a != b &&
        ty{L}(a) == CAP_UNTYPED && has_memory(ty{L}(b)) ==>
        desc{L}(a,b) || (ty{L}(b) == CAP_UNTYPED && desc{L}(b,a)) ||
        memory_end{L}(b) <= memory_base{L}(a) || memory_end{L}(a) <= memory_base{L}(b);
    predicate memory_inside{L} = \forall integer a, b; slot(a) && slot(b) &&
        ty{L}(a) == CAP_UNTYPED && has_memory(ty{L}(b)) && desc{L}(a,b) ==>
        memory_base{L}(a) <= memory_base{L}(b) && memory_end{L}(b) <= memory_used{L}(a);
    // The record of an Untyped lies outside all those that it is not made of.
    predicate memory_records{L} = \forall integer a, b; slot(a) && slot(b) &&
        ty{L}(a) == CAP_UNTYPED && ty{L}(b) == CAP_UNTYPED ==> desc{L}(a,b) ||
        address(ob{L}(b)) + 32 <= memory_base{L}(a) || memory_end{L}(a) <= address(ob{L}(b));
    predicate wf_memory{L} = memory_apart{L} && memory_inside{L} && memory_records{L};

    // Nothing that is alive takes memory from `from` to `to` but the Untyped in u and those that it is made of.
    predicate memory_free{L}(integer u, integer from, integer to) = \forall integer b; slot(b) && has_memory(ty{L}(b)) &&
        b != u && !(ty{L}(b) == CAP_UNTYPED && desc{L}(b,u)) ==> memory_end{L}(b) <= from || to <= memory_base{L}(b);

    // What has memory and is no Untyped has some.
    predicate memory_some{L} = \forall integer s; slot(s) && has_memory(ty{L}(s)) && ty{L}(s) != CAP_UNTYPED ==>
        memory_base{L}(s) < memory_end{L}(s);

    predicate same_untypeds{L1,L2} = \forall integer u; \at(untyped_view[u],L2) == \at(untyped_view[u],L1);
    // Who takes capabilities away keeps them.
    predicate memory_left{L1,L2}(integer s) = \at(in_tree(s),L1) && ty{L2}(s) == ty{L1}(s) && ob{L2}(s) == ob{L1}(s) &&
        memory_base{L2}(s) == memory_base{L1}(s) && memory_end{L2}(s) == memory_end{L1}(s) &&
        memory_used{L2}(s) == memory_used{L1}(s);
    lemma memory_left_size{L1,L2}: \forall integer s; left_alone{L1,L2}(s) ==> memory_size{L2}(s) == memory_size{L1}(s);
    lemma memory_left_alone{L1,L2}: wf_caps{L2} && taken{L1,L2} && same_untypeds{L1,L2} ==>
        \forall integer s; slot(s) && ty{L2}(s) != CAP_NULL ==> memory_left{L1,L2}(s);
    lemma memory_taken_apart{L1,L2}: wf_caps{L2} && taken{L1,L2} && same_untypeds{L1,L2} && memory_apart{L1} ==> memory_apart{L2};
    lemma memory_taken_inside{L1,L2}: wf_caps{L2} && taken{L1,L2} && same_untypeds{L1,L2} && memory_inside{L1} ==> memory_inside{L2};
    lemma memory_taken_records{L1,L2}: wf_caps{L2} && taken{L1,L2} && same_untypeds{L1,L2} && memory_records{L1} ==> memory_records{L2};
    lemma memory_taken{L1,L2}: wf_caps{L1} && wf_caps{L2} && taken{L1,L2} && same_untypeds{L1,L2} &&
        wf_memory{L1} ==> wf_memory{L2};
*/

#endif
