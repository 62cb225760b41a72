#include "jail/net.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "base/fd.h"

namespace {

constexpr const char* kInside = "eth0";

// One rtnetlink request, built in place. rtnetlink(7).
class Request {
 public:
  template <typename Header>
  Request(uint16_t type, uint16_t flags, const Header& header) {
    head()->nlmsg_type = type;
    head()->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    head()->nlmsg_len = NLMSG_HDRLEN;
    append(&header, sizeof header);
  }

  void attribute(uint16_t type, const void* data, size_t size) {
    const rtattr attribute{static_cast<uint16_t>(RTA_LENGTH(size)), type};
    append(&attribute, sizeof attribute);
    append(data, size);
  }
  void attribute(uint16_t type, uint32_t value) { attribute(type, &value, sizeof value); }
  void attribute(uint16_t type, const char* text) { attribute(type, text, strlen(text) + 1); }

  // Begins an attribute that holds others; `end` closes it.
  size_t begin(uint16_t type) {
    const size_t at = head()->nlmsg_len;
    attribute(type, nullptr, 0);
    return at;
  }
  void end(size_t at) {
    rtattr outer;
    memcpy(&outer, &bytes_[at], sizeof outer);
    outer.rta_len = static_cast<uint16_t>(head()->nlmsg_len - at);
    memcpy(&bytes_[at], &outer, sizeof outer);
  }

  // Without an attribute header, as VETH_INFO_PEER wants it.
  void append(const void* data, size_t size) {
    const size_t at = head()->nlmsg_len;
    if (at + NLMSG_ALIGN(size) > bytes_.size()) throw StepError{"build a netlink request", ENOBUFS};
    if (size > 0) memcpy(&bytes_[at], data, size);
    head()->nlmsg_len = static_cast<uint32_t>(at + NLMSG_ALIGN(size));
  }

  const nlmsghdr* head() const { return reinterpret_cast<const nlmsghdr*>(bytes_.data()); }

 private:
  nlmsghdr* head() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }

  alignas(nlmsghdr) std::array<char, 512> bytes_{};
};

class Netlink {
 public:
  Netlink() : socket_(check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "open netlink")) {}

  void send(const Request& request, const char* step) {
    check(::send(socket_.get(), request.head(), request.head()->nlmsg_len, 0), step);
    struct {
      nlmsghdr head;
      nlmsgerr error;
      char request[600];
    } answer;
    const ssize_t length = check(recv(socket_.get(), &answer, sizeof answer, 0), step);
    if (static_cast<size_t>(length) < sizeof answer.head + sizeof answer.error ||
        answer.head.nlmsg_type != NLMSG_ERROR)
      throw StepError{step, EPROTO};
    if (answer.error.error != 0) throw StepError{step, -answer.error.error};
  }

 private:
  Fd socket_;
};

ifinfomsg link_up(unsigned index = 0) {
  ifinfomsg info{};
  info.ifi_index = static_cast<int>(index);
  info.ifi_flags = IFF_UP;
  info.ifi_change = IFF_UP;
  return info;
}

unsigned index_of(const char* name, const char* step) {
  const unsigned index = if_nametoindex(name);
  if (index == 0) throw StepError{std::string(step) + " " + name, errno};
  return index;
}

}  // namespace

void make_link(const Network& network, pid_t pid) {
  Netlink netlink;
  Request pair(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_up());
  pair.attribute(IFLA_IFNAME, network.link.c_str());
  pair.attribute(IFLA_MASTER, index_of(network.bridge.c_str(), "find bridge"));
  const size_t info = pair.begin(IFLA_LINKINFO);
  pair.attribute(IFLA_INFO_KIND, "veth");
  const size_t data = pair.begin(IFLA_INFO_DATA);
  const size_t peer = pair.begin(VETH_INFO_PEER);
  const ifinfomsg inside{};
  pair.append(&inside, sizeof inside);
  pair.attribute(IFLA_IFNAME, kInside);
  pair.attribute(IFLA_NET_NS_PID, static_cast<uint32_t>(pid));
  pair.end(peer);
  pair.end(data);
  pair.end(info);
  netlink.send(pair, "make the network link");

  ifinfomsg port{};
  port.ifi_family = AF_BRIDGE;
  port.ifi_index = static_cast<int>(index_of(network.link.c_str(), "find link"));
  Request isolate(RTM_SETLINK, 0, port);
  const size_t options = isolate.begin(IFLA_PROTINFO | NLA_F_NESTED);
  const uint8_t yes = 1;
  isolate.attribute(IFLA_BRPORT_ISOLATED, &yes, sizeof yes);
  isolate.end(options);
  netlink.send(isolate, "isolate the network link");
}

void bring_up_loopback() {
  Netlink netlink;
  netlink.send(Request(RTM_NEWLINK, 0, link_up(index_of("lo", "find link"))), "bring up loopback");
}

void configure_link(const Network& network) {
  Netlink netlink;
  const unsigned index = index_of(kInside, "find link");
  ifaddrmsg own{};
  own.ifa_family = AF_INET;
  own.ifa_prefixlen = network.prefix;
  own.ifa_index = index;
  Request address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, own);
  address.attribute(IFA_LOCAL, network.address);
  address.attribute(IFA_ADDRESS, network.address);
  netlink.send(address, "set the network address");
  netlink.send(Request(RTM_NEWLINK, 0, link_up(index)), "bring up the network link");

  rtmsg way_out{};
  way_out.rtm_family = AF_INET;
  way_out.rtm_table = RT_TABLE_MAIN;
  way_out.rtm_protocol = RTPROT_BOOT;
  way_out.rtm_scope = RT_SCOPE_UNIVERSE;
  way_out.rtm_type = RTN_UNICAST;
  Request route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, way_out);
  route.attribute(RTA_GATEWAY, network.gateway);
  netlink.send(route, "set the default route");
}
