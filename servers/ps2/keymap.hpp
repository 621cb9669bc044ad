// Keymap: which character a key gives, as a table for each layout. Keys have the numbers of scan code set 1.
// SPDX-License-Identifier: BSD-2-Clause
//
// Another layout is another table of this kind. Source of the codes: IBM PS/2 Hardware Interface Technical Reference
// (1990), Keyboards, "Scan code set 1".
#pragma once

#include "abi/types.h"

namespace ps2 {

struct KeyText {
    u8 key;
    char16_t plain, shift;
    bool letter; // Caps Lock is shift for it.
};

inline constexpr KeyText kUs[] = {
    {0x02, '1', '!', false},  {0x03, '2', '@', false},  {0x04, '3', '#', false},
    {0x05, '4', '$', false},  {0x06, '5', '%', false},  {0x07, '6', '^', false},
    {0x08, '7', '&', false},  {0x09, '8', '*', false},  {0x0a, '9', '(', false},
    {0x0b, '0', ')', false},  {0x0c, '-', '_', false},  {0x0d, '=', '+', false},
    {0x10, 'q', 'Q', true},   {0x11, 'w', 'W', true},   {0x12, 'e', 'E', true},
    {0x13, 'r', 'R', true},   {0x14, 't', 'T', true},   {0x15, 'y', 'Y', true},
    {0x16, 'u', 'U', true},   {0x17, 'i', 'I', true},   {0x18, 'o', 'O', true},
    {0x19, 'p', 'P', true},   {0x1a, '[', '{', false},  {0x1b, ']', '}', false},
    {0x1e, 'a', 'A', true},   {0x1f, 's', 'S', true},   {0x20, 'd', 'D', true},
    {0x21, 'f', 'F', true},   {0x22, 'g', 'G', true},   {0x23, 'h', 'H', true},
    {0x24, 'j', 'J', true},   {0x25, 'k', 'K', true},   {0x26, 'l', 'L', true},
    {0x27, ';', ':', false},  {0x28, '\'', '"', false}, {0x29, '`', '~', false},
    {0x2b, '\\', '|', false}, {0x2c, 'z', 'Z', true},   {0x2d, 'x', 'X', true},
    {0x2e, 'c', 'C', true},   {0x2f, 'v', 'V', true},   {0x30, 'b', 'B', true},
    {0x31, 'n', 'N', true},   {0x32, 'm', 'M', true},   {0x33, ',', '<', false},
    {0x34, '.', '>', false},  {0x35, '/', '?', false},  {0x39, ' ', ' ', false},
    {0x56, '<', '>', false}, // The key between shift and z of keyboards with 102 keys.
};

} // namespace ps2
