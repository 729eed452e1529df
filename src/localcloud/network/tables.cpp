#include "localcloud/network/tables.h"

#include "localcloud/network/names.h"

namespace hopyard::localcloud::network {
namespace {

std::string replacing(const std::string& table) {
    return "table " + table + "\ndelete table " + table + "\ntable " + table + " {\n";
}

std::string address_set(const Ranges& ranges) {
    std::string text;
    for (const auto& range : ranges)
        text += (text.empty() ? "{ " : ", ") + to_string(range.low) +
                (range.high > range.low ? "-" + to_string(range.high) : "");
    return text + " }";
}

std::string map_elements(const std::map<Address, Address>& pairs, bool reversed) {
    std::string text;
    for (const auto& [outer, inner] : pairs)
        text += (text.empty() ? "    elements = { " : ", ") + to_string(reversed ? inner : outer) +
                " : " + to_string(reversed ? outer : inner);
    return text.empty() ? text : text + " }\n";
}

}  // namespace

std::string translation_script(const Translation& translation) {
    const auto inside = "ip saddr " + address_set(translation.prefixes);
    const auto uplink = to_string(translation.uplink);
    return replacing("ip net") + "  map pub2priv {\n    type ipv4_addr : ipv4_addr\n" +
           map_elements(translation.public_addresses, false) +
           "  }\n"
           "  map priv2pub {\n    type ipv4_addr : ipv4_addr\n" +
           map_elements(translation.public_addresses, true) +
           "  }\n"
           "  chain pre {\n"
           "    type nat hook prerouting priority dstnat;\n"
           "    dnat to ip daddr map @pub2priv\n"
           "  }\n"
           "  chain post {\n"
           "    type nat hook postrouting priority srcnat;\n"
           "    oifname \"b*\" ct status dnat " +
           inside +
           " snat to ip saddr map @priv2pub\n"
           "    oifname \"b*\" ct status dnat " +
           inside + " snat to " + uplink +
           "\n"
           "    oifname \"up0\" " +
           inside +
           " snat to ip saddr map @priv2pub\n"
           "    oifname \"up0\" " +
           inside + " snat to " + uplink +
           "\n"
           "  }\n"
           "  chain transit {\n"
           "    type filter hook forward priority filter; policy drop;\n"
           "    ct state established,related accept\n"
           "    iifname \"b*\" accept\n"
           "    iifname \"up0\" ct status dnat accept\n"
           "  }\n"
           "  chain local_in {\n"
           "    type filter hook input priority filter; policy accept;\n"
           "    iifname \"up0\" ct state new drop\n"
           "  }\n"
           "}\n";
}

std::string port_filter_script(const PortSpec& port) {
    const auto table = "netdev port_" + port.id;
    return replacing(table) +
           "  chain from_machine {\n"
           "    type filter hook ingress device \"" +
           port_at_bridge(port.id) +
           "\" priority 0; policy drop;\n"
           "    ether saddr != " +
           port.mac +
           " counter drop\n"
           "    ether type arp arp saddr ether " +
           port.mac + " arp saddr ip " + port.address +
           " accept\n"
           "    ether type ip ip saddr " +
           port.address +
           " accept\n"
           "    counter drop\n"
           "  }\n"
           "}\n";
}

std::string port_filter_removal(std::string_view port_id) {
    const auto table = "netdev port_" + std::string(port_id);
    return "table " + table + "\ndelete table " + table + "\n";
}

std::string hub_script(const HubRules& rules) {
    std::string text = replacing("ip hub") +
                       "  chain transit {\n"
                       "    type filter hook forward priority 0; policy accept;\n"
                       "    ct state established,related accept\n";
    if (rules.outbound)
        // Never the cloud or the host this machine itself may live on: link-local is its metadata.
        text += "    oifname \"host0\" ip daddr { 127.0.0.0/8, 169.254.0.0/16, 198.18.0.0/15, " +
                to_string(rules.public_range) + " } counter drop\n";
    else
        text += "    oifname \"host0\" ct state new counter drop\n";
    text +=
        "  }\n"
        "  chain local_in {\n"
        "    type filter hook input priority 0; policy accept;\n"
        "    ct state established,related accept\n"
        "    meta l4proto icmp accept\n"
        "    counter drop\n"
        "  }\n";
    if (rules.outbound)
        text +=
            "  chain post {\n"
            "    type nat hook postrouting priority srcnat;\n"
            "    oifname \"host0\" masquerade\n"
            "  }\n";
    return text + "}\n";
}

std::string host_script(const std::string& table, const std::string& host_link) {
    return replacing("ip " + table) +
           "  chain local_in {\n"
           "    type filter hook input priority filter; policy accept;\n"
           "    iifname \"" +
           host_link +
           "\" ct state new counter drop\n"
           "  }\n"
           "  chain post {\n"
           "    type nat hook postrouting priority srcnat;\n"
           "    iifname \"" +
           host_link + "\" oifname != \"" + host_link +
           "\" masquerade\n"
           "  }\n"
           "}\n";
}

}  // namespace hopyard::localcloud::network
