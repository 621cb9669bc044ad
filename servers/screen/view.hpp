// View: keeps a screen as its terminal is, painting only the cells that differ.
// SPDX-License-Identifier: BSD-2-Clause
//
// What was painted is remembered, because a frame buffer is slow to read.
#pragma once

#include "terminal.hpp"

namespace screen {

// Painter: sel::Painter, or what a test has.
template <typename Painter>
class View {
  public:
    // Empties the screen.
    View(const Painter &painter, Terminal &terminal, Cells &painted)
        : painter_{painter}, terminal_{terminal}, painted_{painted} {
        terminal_.resize(painter_.columns(), painter_.rows());
        painter_.clear();
        for (u32 row = 0; row < terminal_.rows(); row++) {
            for (u32 column = 0; column < terminal_.columns(); column++) {
                painted_.at[row][column] = make_cell(' ', Terminal::kInk, Terminal::kPaper);
            }
        }
    }

    // The cursor is its cell with the colours exchanged.
    void paint() {
        for (u32 row = 0; row < terminal_.rows(); row++) {
            for (u32 column = 0; column < terminal_.columns(); column++) {
                Cell cell = terminal_.cell(column, row);
                if (row == terminal_.row() && column == terminal_.column()) {
                    cell = make_cell(cell.code, cell.paper, cell.ink);
                }
                if (!(cell == painted_.at[row][column])) {
                    painted_.at[row][column] = cell;
                    painter_.put({column, row}, cell.code,
                                 {static_cast<u8>(cell.ink), static_cast<u8>(cell.paper)});
                }
            }
        }
    }

  private:
    const Painter &painter_;
    Terminal &terminal_;
    Cells &painted_;
};

} // namespace screen
