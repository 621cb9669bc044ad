// Observer: what the servers that can be looked at say of themselves, as JSON.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each question has a time-out: a server that does not answer is left out, and the others are shown. www/api.html says what
// stands in the answers.
#pragma once

#include "json.hpp"

#include "servers/log/api.hpp"
#include "servers/net/api.hpp"
#include "servers/pci/api.hpp"
#include "servers/root/api.hpp"
#include "servers/vfs/api.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/explain.hpp"
#include "sel/trace.hpp"

namespace httpd {

struct Views {
    sel::Client<root::View> root;
    sel::Client<logging::Reader> log;
    sel::Client<net::View> net;
    sel::Client<pci::View> pci;
    sel::Client<vfs::View> volumes;
    const volatile trace_record_t *trace;
};

template <typename Out>
class Observer {
  public:
    Observer(const Views &views, Out &out) : views_{views}, json_{out} {}

    void servers() {
        json_.open('[');
        for_programs([this](const root::Program &p) { server(p); });
        json_.close(']');
    }
    void machine() {
        json_.open('{');
        json_.pair("uptime_ns", uptime());
        if (auto m = ask(views_.root, root::GetMachine{})) {
            json_.pair("tsc_hz", m->tsc_hz);
            json_.pair("ram", m->ram_bytes);
            json_.pair("kernel", m->kernel_bytes);
        }
        if (auto m = ask(views_.root, root::GetMemory{})) {
            json_.pair("programs", m->programs);
            json_.pair("root", m->root);
            json_.pair("lost", m->lost);
            json_.pair("free", m->free);
        }
        json_.close('}');
    }
    // Endpoints that programs hold: who may call whom. `above` is the capability before it in the derivation tree.
    void capabilities() {
        json_.open('[');
        for_programs([this](const root::Program &p) {
            if (p.state == root::State::RUNNING) {
                held(p.number);
            }
        });
        json_.close(']');
    }
    void interrupts() {
        json_.open('[');
        for (u32 place = 0; place < kPlacesMost; place++) {
            auto irq = ask(views_.root, root::GetIrq{.place = place});
            if (!irq) {
                break;
            }
            json_.open('{');
            json_.pair("line", irq->line & IRQ_LINE);
            json_.pair("message", (irq->line & IRQ_MSI) != 0 ? 1u : 0u);
            json_.pair("program", irq->program);
            json_.pair("name", irq->data.view());
            json_.close('}');
        }
        json_.close(']');
    }
    // The newest events; a tick is 2^CLOCK_SHIFT of the time-stamp counter.
    void trace() {
        static constexpr u32 kEvents = 128; // At a time, on the stack.
        trace_event_t event[kEvents];
        u32 count = sel::TraceRing{views_.trace}.read(event);
        json_.open('[');
        for (u32 i = 0; i < count; i++) {
            const trace_event_t &e = event[i];
            json_.open('[');
            json_.value(e.sequence);
            json_.value(clock_.nanoseconds(e.tsc >> CLOCK_SHIFT));
            json_.value(static_cast<u32>(e.kind));
            json_.value(e.thread);
            json_.value(e.next);
            json_.value(e.kind == TRACE_CALL ? sel::call_name(e.call) : std::string_view{});
            json_.value(static_cast<u32>(e.error));
            json_.value(e.argument);
            json_.close(']');
        }
        json_.close(']');
    }
    // Lines from `since` on, at most kLines.
    void log(u64 since) {
        json_.open('[');
        for (u32 i = 0; i < kLines; i++) {
            auto line = ask(views_.log, logging::Read{.since = since,
                                                      .level = sel::Level::DEBUG,
                                                      .source = logging::kAnySource});
            if (!line) {
                break;
            }
            since = line->sequence + 1;
            json_.open('{');
            json_.pair("sequence", line->sequence);
            json_.pair("time_ns", line->time_ns);
            json_.pair("program", line->source);
            json_.pair("level", static_cast<u32>(line->level));
            json_.pair("text", line->data.view());
            json_.close('}');
        }
        json_.close(']');
    }
    u64 log_next() {
        auto range = ask(views_.log, logging::GetRange{});
        return range ? range->next : 0;
    }
    void disks() {
        json_.open('[');
        for (u32 place = 0; place < vfs::kVolumesMax; place++) {
            auto v = ask(views_.volumes, vfs::GetVolume{.place = place});
            if (!v) {
                break;
            }
            json_.open('{');
            json_.pair("path", v->data.view());
            json_.pair("server", v->server.view());
            json_.pair("mounted", v->mounted);
            json_.pair("open", v->open);
            if (v->error == OK) {
                json_.pair("bytes", v->usage.bytes);
                json_.pair("bytes_max", v->usage.bytes_max);
                json_.pair("files", v->usage.files);
                json_.pair("disk", v->usage.data.view());
            } else {
                json_.pair("error", sel::error_name(v->error));
            }
            json_.close('}');
        }
        json_.close(']');
    }
    void devices() {
        json_.open('[');
        for (u32 place = 0; place < kPlacesMost; place++) {
            auto d = ask(views_.pci, pci::GetDevice{.place = place});
            if (!d) {
                break;
            }
            json_.open('{');
            json_.pair("address", d->address);
            json_.pair("id", d->id);
            json_.pair("program", d->program);
            json_.pair("name", d->data.view());
            json_.close('}');
        }
        json_.close(']');
    }
    void network() {
        json_.open('{');
        if (auto i = ask(views_.net, net::GetInterface{})) {
            interface(*i);
        }
        json_.open("sockets", '[');
        u32 place = 0;
        for (u32 n = 0; n < kPlacesMost; n++) {
            auto s = ask(views_.net, net::GetSocket{.place = place});
            if (!s) {
                break;
            }
            place = s->next;
            json_.open('{');
            json_.pair("program", s->client);
            json_.pair("kind", static_cast<u32>(s->kind));
            json_.pair("state", static_cast<u32>(s->state));
            endpoint("local", s->local);
            endpoint("remote", s->remote);
            json_.close('}');
        }
        json_.close(']');
        json_.open("pools", '[');
        for (u32 n = 0; n < kPlacesMost; n++) {
            auto p = ask(views_.net, net::GetPool{.place = n});
            if (!p) {
                break;
            }
            json_.open('{');
            json_.pair("name", p->data.view());
            json_.pair("bytes", p->bytes);
            json_.pair("used", p->used);
            json_.pair("most", p->most);
            json_.pair("all", p->all);
            json_.close('}');
        }
        json_.close(']');
        json_.close('}');
    }

  private:
    static constexpr u32 kLines = 200;
    static constexpr u32 kPlacesMost = 256;
    static constexpr u32 kSlotLists = 200; // Of a program.
    static constexpr u64 kPatienceMs = 500;

    template <typename Api, typename M>
    sel::Result<typename M::Answer> ask(const sel::Client<Api> &server, const M &m) const {
        return server.call_within(sel::milliseconds(kPatienceMs), m);
    }
    u64 uptime() {
        auto m = ask(views_.root, root::GetMachine{});
        return clock_.nanoseconds(sel::now() - (m ? m->boot_tsc >> CLOCK_SHIFT : 0));
    }
    template <typename F>
    void for_programs(F f) {
        for (u32 number = 1; number <= sel::Environment::kPrograms; number++) {
            auto p = ask(views_.root, root::GetProgram{.number = number});
            if (p) {
                f(*p);
            } else if (p.error() != ERR_EMPTY) {
                break;
            }
        }
    }
    void server(const root::Program &p) {
        json_.open('{');
        json_.pair("number", p.number);
        json_.pair("name", p.data.view());
        json_.pair("starter", p.starter);
        json_.pair("starts", p.incarnation);
        json_.pair("state", static_cast<u32>(p.state));
        json_.pair("thread", p.state == root::State::RUNNING ? sel::state_name(p.thread_state)
                                                             : std::string_view{});
        json_.pair("priority", static_cast<u32>(p.priority));
        json_.pair("exit", p.exit_code);
        json_.pair("cpu_ns", clock_.nanoseconds(p.ticks_used));
        json_.pair("memory", p.memory);
        json_.pair("used", p.used);
        json_.close('}');
    }
    void held(u32 number) {
        json_.open('{');
        json_.pair("program", number);
        json_.open("endpoints", '[');
        u32 first = 0;
        for (u32 n = 0; n < kSlotLists; n++) {
            auto list = ask(views_.root, root::GetSlots{.number = number, .first = first});
            if (!list) {
                break;
            }
            for (u32 i = 0; i < list->count; i++) {
                if (list->slot[i].type == CAP_ENDPOINT) {
                    slot(list->slot[i]);
                }
            }
            first = list->next;
            if (first == 0) {
                break;
            }
        }
        json_.close(']');
        json_.close('}');
    }
    void slot(const root::Slot &s) {
        std::string_view name{s.name, sizeof(s.name)};
        json_.open('{');
        json_.pair("slot", s.slot);
        json_.pair("name", name.substr(0, name.find('\0')));
        json_.pair("rights", static_cast<u32>(s.rights));
        json_.pair("id", s.id);
        json_.pair("above", s.relative);
        json_.pair("sibling", static_cast<u32>(s.sibling));
        json_.close('}');
    }
    void interface(const net::Interface &i) {
        sel::Text<20> mac;
        for (u32 n = 0; n < sizeof(i.mac); n++) {
            sel::format(mac, n == 0 ? "{:02x}" : ":{:02x}", i.mac[n]);
        }
        json_.pair("card", i.data.view());
        json_.pair("mac", mac.view());
        json_.pair("up", static_cast<u32>(i.up));
        address("address", i.address);
        address("router", i.router);
        address("names", i.names);
        json_.pair("frames_in", i.frames_in);
        json_.pair("bytes_in", i.bytes_in);
        json_.pair("frames_out", i.frames_out);
        json_.pair("bytes_out", i.bytes_out);
        json_.pair("lost", i.lost_in + i.lost_out);
    }
    void address(std::string_view name, const net::Address &a) {
        sel::Text<48> text;
        net::write_address(text, a);
        json_.pair(name, text.view());
    }
    void endpoint(std::string_view name, const net::Endpoint &e) {
        sel::Text<56> text;
        net::write_address(text, e.address);
        sel::format(text, ":{}", e.port);
        json_.pair(name, text.view());
    }

    Views views_;
    Json<Out> json_;
    sel::Clock clock_ = sel::clock();
};

} // namespace httpd
