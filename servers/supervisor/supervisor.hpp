// Supervisor: hears of every fault, reports it, and ends or restarts the program.
// SPDX-License-Identifier: BSD-2-Clause
//
// World is what it acts through (main.cpp: root, console, log; tests: a model):
//   Result<root::Program> program(u32)          u64 now_ns()          u32 self(), our number
//   void stop(u32, s32 code, bool keep)         Result<> start_again(u32)
//   void describe(const sel::Fault &, const root::Program &)   collects the report
//   void publish(bool all)                      prints it, or only what happened and where
//   std::string_view report()                   the last one
//   void note(sel::Level, pattern, values...)   a line for the log
// The report is collected while the program still stands there, and printed when it has been
// restarted: the program may be the console.
// It may die at any step, and the next one goes on: a fault that it had in hand comes again (root lets the
// thread run into it once more), and start() finds the programs that were to come back.
#pragma once

#include "api.hpp"

#include "servers/restart/policy.hpp"

#include "sel/log.hpp"
#include "sel/server.hpp"

namespace supervisor {

using restart::Policy;

template <typename World>
class Supervisor {
  public:
    explicit Supervisor(World &world) : world_{world} {}

    // Finishes what an earlier life has begun.
    void start() {
        for (u32 number = 1; number <= Policy::kPrograms; number++) {
            sel::Result<root::Program> program = world_.program(number);
            if (program.error() == ERR_NAME) {
                return;
            }
            if (program.ok() && program->state == root::State::AWAITED) {
                resume(*program, policy_.adopt(*program, world_.now_ns()));
            }
        }
    }

    // Never lets the thread run on: the program is ended, and perhaps started anew.
    bool on_fault(const sel::Fault &fault) {
        sel::Result<root::Program> program = world_.program(fault.program);
        if (!program) {
            return false;
        }
        bool left = fault.kind == FAULT_CALL && fault.word[1] == sel::kExitCall;
        s32 code =
            left ? static_cast<s32>(fault.word[2]) : kFaultCode + static_cast<s32>(fault.kind);
        if (!left) {
            world_.describe(fault, *program);
        }
        end(*program, code, policy_.failed(*program, world_.now_ns()));
        if (left) {
            world_.note(sel::Level::INFO, "{} has ended with code {}", program->data.view(), code);
        } else {
            world_.publish(program->boot != 0); // Who runs a program by hand can ask for more.
        }
        return false;
    }

    sel::Result<> on(const Kill &m) {
        sel::Result<root::Program> program = world_.program(m.number);
        if (!program) {
            return program.error();
        }
        if (program->state != root::State::RUNNING) {
            return ERR_EMPTY;
        }
        world_.note(sel::Level::WARNING, "{} is ended by hand", program->data.view());
        if (m.number == world_.self()) {
            return start(m.number); // Root does both: we could not do the second.
        }
        end(*program, kKilled, policy_.killed(*program, world_.now_ns()));
        return {};
    }

    sel::Result<> on(const Restart &m) {
        sel::Result<root::Program> program = world_.program(m.number);
        if (!program) {
            return program.error();
        }
        if (program->starter != 0) {
            return ERR_RIGHT; // Whoever has started it has its file.
        }
        world_.note(sel::Level::WARNING, "{} is restarted by hand", program->data.view());
        policy_.forgive(m.number);
        if (m.number != world_.self()) {
            world_.stop(m.number, kKilled, true);
        }
        return start(m.number);
    }

    sel::Result<ReportPart> on(const GetReport &m) {
        std::string_view report = world_.report();
        ReportPart part;
        part.data.append(report.substr(m.offset < report.size() ? m.offset : report.size()));
        return part;
    }

    u64 deadline() {
        u64 due = policy_.next_due();
        return due == Policy::kNever ? sel::kForever : world_.ticks(due);
    }

    void on_timeout() {
        u64 now = world_.now_ns();
        for (u32 i = 0; i < Policy::kPrograms; i++) {
            u32 number = policy_.take_due(now);
            if (number == 0) {
                return;
            }
            [[maybe_unused]] auto started = start(number); // A failure has been noted.
        }
    }

  private:
    static constexpr s32 kFaultCode = 128; // As root's: exit code of fault n is 128 + n.

    void end(const root::Program &program, s32 code, const Policy::Decision &decision) {
        world_.stop(program.number, code, decision.restart);
        if (decision.restart) {
            resume(program, decision);
        } else if (program.restart != root::Restart::NEVER) {
            world_.note(sel::Level::ERROR, "{} stays ended: it has ended {} times in a row",
                        program.data.view(), decision.failures);
        }
    }

    // It comes back, now or when it is time.
    void resume(const root::Program &program, const Policy::Decision &decision) {
        u64 now = world_.now_ns();
        if (decision.due_ns <= now) {
            [[maybe_unused]] auto started = start(program.number);
        } else {
            world_.note(sel::Level::WARNING, "{} comes back in {} ms (end {} of {})",
                        program.data.view(), (decision.due_ns - now) / kMillisecond,
                        decision.failures, program.tries);
        }
    }

    sel::Result<> start(u32 number) {
        sel::Result<> started = world_.start_again(number);
        if (started) {
            policy_.started(number, world_.now_ns());
        } else {
            world_.note(sel::Level::ERROR, "program {} cannot be started: {}", number,
                        sel::describe(started.error()));
        }
        return started;
    }

    static constexpr u64 kMillisecond = 1'000'000;

    World &world_;
    Policy policy_;
};

} // namespace supervisor
