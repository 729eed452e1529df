// What `hopyard serve` is told on the command line. The program that has the control plane in it
// gets this value; the command line itself knows no control plane.
#pragma once

#include <cstdint>
#include <string>

namespace hopyard::cli {

struct ServeOptions {
    std::string state = "/var/lib/hopyard";
    std::string database;    ///< empty: "sqlite:" and a file of the state directory
    std::string mail_file;   ///< mail server and how to sign in; empty: no mail
    std::string cloud_file;  ///< cloud.json: which cloud, and how to sign in
    /// Whom to become when started as root; empty: the owner of the state directory, else the user
    /// hopyard, else nobody. Never root.
    std::string user;

    std::string address = "127.0.0.1";  ///< of the listener for people; TLS beyond loopback
    std::uint16_t port = 8080;
    std::string tls_certificate_file;  ///< empty: one of the installation's own authority
    std::string tls_key_file;

    std::string node_address = "127.0.0.1";  ///< of the listener for nodes, always TLS
    std::uint16_t node_port = 8443;
    std::string node_url;  ///< how machines reach that listener: "https://203.0.113.5:8443"

    std::string log_level = "info";
    /// Makes an administrator's key with that name, prints it and ends.
    std::string make_key;
    /// Makes a link that sets a new password of whoever signs in with that address, and ends.
    std::string reset_password;
};

}  // namespace hopyard::cli
