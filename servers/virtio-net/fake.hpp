// FakeDevice: a virtio network device with its registers and queues, and what can go wrong with one.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/virtio/fake.hpp"

#include "card.hpp"

namespace virtio_net {

class FakeDevice final : public virtio::FakeRegisters {
  public:
    explicit FakeDevice(driver::FakeMemory &memory)
        : FakeRegisters{memory, virtio::FEATURE_VERSION_1 | FEATURE_MAC | FEATURE_STATUS |
                                    FEATURE_CTRL_VQ | FEATURE_CTRL_RX} {}

    u8 mac[6] = {0x52, 0x54, 0, 1, 2, 3};
    u16 link = kLinkUp;
    u8 answer = kAccepted; // To commands.
    u8 header_flags = 0;   // Of what arrives.

    // What it saw.
    std::vector<std::vector<u8>> sent;
    Header header{}; // Of the last one.
    std::vector<std::vector<u8>> commands;

    // A frame for the driver; false: there is no buffer.
    bool arrive(const std::vector<u8> &frame) {
        if (offered(0) == 0) {
            return false;
        }
        u16 head = take_offered(0);
        virtio::Descriptor first = descriptor(head, 0), second = descriptor(first.next, 0);
        memory_.put<Header>(first.address, {header_flags, 0, 0, 0, 0, 0, 1});
        u8 *to = memory_.find(second.address, frame.size());
        if (to == nullptr || first.bytes != sizeof(Header) || second.bytes < frame.size() ||
            (first.flags & second.flags & virtio::DESCRIPTOR_WRITE) == 0) {
            memory_.strayed = true;
            return false;
        }
        std::memcpy(to, frame.data(), frame.size());
        say_used(head, static_cast<u32>(sizeof(Header) + frame.size()), 0);
        return true;
    }

    // Sends what was offered.
    void send() {
        while (offered(1) != 0) {
            u16 head = take_offered(1);
            virtio::Descriptor first = descriptor(head, 1), second = descriptor(first.next, 1);
            header = memory_.get<Header>(first.address);
            const u8 *from = memory_.find(second.address, second.bytes);
            if (from == nullptr || ((first.flags | second.flags) & virtio::DESCRIPTOR_WRITE) != 0) {
                memory_.strayed = true;
                return;
            }
            sent.emplace_back(from, from + second.bytes);
            say_used(head, 0, 1);
        }
    }

  private:
    u32 config_word(u32 offset) const override {
        return offset < sizeof mac ? mac[offset] : offset == CONFIG_STATUS ? link : 0u;
    }

    void on_bell(u32 queue) override {
        if (silent || (status & virtio::STATUS_DRIVER_OK) == 0) {
            return;
        }
        if (queue == 1) {
            send();
        } else if (queue == 2) {
            obey();
        }
    }

    void obey() {
        while (offered(2) != 0) {
            u16 head = take_offered(2);
            std::vector<u8> command;
            virtio::Descriptor d = descriptor(head, 2);
            for (u32 i = 0; i < 2; i++, d = descriptor(d.next, 2)) {
                const u8 *from = memory_.find(d.address, d.bytes);
                command.insert(command.end(), from, from + d.bytes);
            }
            commands.push_back(command);
            memory_.put<u8>(d.address, answer);
            say_used(head, 1, 2);
        }
    }
};

} // namespace virtio_net
