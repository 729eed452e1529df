#include "azure/config.h"

#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>

#include "azure/document.h"
#include "base/log.h"
#include "base/read_file.h"

namespace hopyard::azure {
namespace {

constexpr std::size_t file_bytes_max = 1u << 20;

const std::set<std::string>& known_members() {
    static const std::set<std::string> names{"kind",
                                             "resourceManagerUrl",
                                             "loginUrl",
                                             "scope",
                                             "metadataUrl",
                                             "pricesUrl",
                                             "subscriptionId",
                                             "tenantId",
                                             "clientId",
                                             "clientSecret",
                                             "federatedTokenFile",
                                             "managedIdentity",
                                             "caFile",
                                             "diskType",
                                             "image",
                                             "machineSetup",
                                             "machineSetupFile",
                                             "blobEndpoint",
                                             "machineBlobEndpoint",
                                             "blobConnectTo"};
    return names;
}

Failure refuse_member(const std::string& member, std::string rule, std::string remedy) {
    Error error = refuse("/" + member,
                         "cloud_config_invalid",
                         fmt::format("cloud.json: {}: {}", member, rule),
                         std::move(remedy))
                      .value();
    error.owner = Owner::administrator;
    return Failure(std::move(error));
}

Result<std::string> read_file(const std::string& member, const std::string& path) {
    auto text = hopyard::read_file(path);
    if (!text || text->size() > file_bytes_max)
        return refuse_member(member,
                             fmt::format("{} cannot be read", path),
                             "Name a readable file of at most 1 MiB.");
    return std::move(*text);
}

/// Texts that are there replace the default; another type is refused.
class Reader {
  public:
    explicit Reader(const Json& document) : document_(document) {}

    Reader& text(const char* member, std::string& out) {
        const Json* value = find(document_, {member});
        if (!value) return *this;
        if (value->is_string())
            out = value->get<std::string>();
        else if (fault_.empty())
            fault_ = member;
        return *this;
    }
    Reader& flag(const char* member, bool& out) {
        const Json* value = find(document_, {member});
        if (!value) return *this;
        if (value->is_boolean())
            out = value->get<bool>();
        else if (fault_.empty())
            fault_ = member;
        return *this;
    }
    const std::string& fault() const { return fault_; }

  private:
    const Json& document_;
    std::string fault_;
};

Result<void> check_url(const char* member, const std::string& url, bool tls_only) {
    const auto parsed = http::parse_url(url);
    if (!parsed)
        return refuse_member(member, "not an absolute http or https URL", "Correct the URL.");
    if (tls_only && parsed->scheme != "https" && parsed->host != "127.0.0.1" &&
        parsed->host != "localhost" && parsed->host != "::1")
        return refuse_member(member, "a secret would travel without TLS", "Use an https URL.");
    return {};
}

Result<void> read_credentials(Reader& reader, const Json& document, Credentials& out) {
    std::string secret;
    reader.text("clientId", out.client_id)
        .text("clientSecret", secret)
        .text("federatedTokenFile", out.federated_token_file)
        .flag("managedIdentity", out.managed_identity);
    out.client_secret = Secret(secret);
    const int ways = (secret.empty() ? 0 : 1) + (out.federated_token_file.empty() ? 0 : 1) +
                     (out.managed_identity ? 1 : 0);
    if (ways > 1)
        return refuse_member("clientSecret",
                             "more than one way to sign in is given",
                             "Keep one of clientSecret, federatedTokenFile, managedIdentity.");
    if (ways == 0) out.federated_token_file = federated_token_file().value_or("");
    if (ways == 0 && out.federated_token_file.empty())
        return refuse_member("clientSecret",
                             "no way to sign in is given",
                             "Give one of clientSecret, federatedTokenFile, managedIdentity.");
    if (!out.managed_identity && out.client_id.empty())
        return refuse_member("clientId", "missing", "Give the application's client id.");
    for (const auto& [name, value] : document.items())
        if (!known_members().contains(name))
            log::warning("cloud.json has a member that means nothing", {{"member", name}});
    return {};
}

Result<void> read_connect_to(const Json& document, http::ClientOptions& out) {
    const Json* pairs = find(document, {"blobConnectTo"});
    if (!pairs) return {};
    if (!pairs->is_object())
        return refuse_member(
            "blobConnectTo", "not an object", "Write {\"host:port\": \"host:port\"}.");
    for (const auto& [from, to] : pairs->items()) {
        if (!to.is_string())
            return refuse_member("blobConnectTo", "not a text", "Write \"host:port\".");
        out.connect_to.emplace_back(from, to.get<std::string>());
    }
    return {};
}

Result<void> read_image(const Json& document, MachineImage& out) {
    const Json* image = find(document, {"image"});
    if (!image) return {};
    Reader reader(*image);
    reader.text("publisher", out.publisher)
        .text("offer", out.offer)
        .text("sku", out.sku)
        .text("version", out.version);
    if (!image->is_object() || !reader.fault().empty())
        return refuse_member(
            "image", "its members are texts", "Give publisher, offer, sku and version.");
    return {};
}

}  // namespace

Result<Config> parse_config(std::string_view json) {
    const auto document = parse_document(json);
    if (!document || !document->is_object())
        return refuse_member("", "not a JSON object", "Correct the file.");
    Config config;
    Options& options = config.options;
    Reader reader(*document);
    std::string kind = "azure";
    std::string ca_file;
    std::string setup_file;
    reader.text("kind", kind)
        .text("resourceManagerUrl", options.resource_manager_url)
        .text("loginUrl", options.login_url)
        .text("scope", options.scope)
        .text("metadataUrl", options.metadata_url)
        .text("pricesUrl", options.prices_url)
        .text("subscriptionId", options.subscription)
        .text("tenantId", options.tenant)
        .text("caFile", ca_file)
        .text("diskType", options.disk_type)
        .text("machineSetup", options.machine_setup)
        .text("machineSetupFile", setup_file)
        .text("blobEndpoint", options.blob_endpoint)
        .text("machineBlobEndpoint", options.machine_blob_endpoint);
    RETURN_IF_ERROR(read_credentials(reader, *document, options.credentials));
    if (!reader.fault().empty())
        return refuse_member(reader.fault(), "of the wrong type", "Correct the value.");
    if (kind != "azure" && kind != "local")
        return refuse_member("kind", "neither \"azure\" nor \"local\"", "Use one of the two.");
    config.kind = kind == "local" ? Config::Kind::local : Config::Kind::azure;
    if (config.kind == Config::Kind::local) options.price_origin = cloud::PriceOrigin::rehearsal;
    if (options.subscription.empty())
        return refuse_member("subscriptionId", "missing", "Give the subscription's id.");
    if (options.tenant.empty() && !options.credentials.managed_identity)
        return refuse_member("tenantId", "missing", "Give the tenant's id.");
    RETURN_IF_ERROR(check_url("resourceManagerUrl", options.resource_manager_url, true));
    RETURN_IF_ERROR(check_url("loginUrl", options.login_url, true));
    RETURN_IF_ERROR(check_url("metadataUrl", options.metadata_url, false));
    RETURN_IF_ERROR(check_url("pricesUrl", options.prices_url, true));
    if (!ca_file.empty()) {
        ASSIGN_OR_RETURN(config.manager_client.ca_pem, read_file("caFile", ca_file));
        config.blob_client.ca_pem = config.manager_client.ca_pem;
    }
    if (!setup_file.empty()) {
        ASSIGN_OR_RETURN(options.machine_setup, read_file("machineSetupFile", setup_file));
    }
    RETURN_IF_ERROR(read_connect_to(*document, config.blob_client));
    RETURN_IF_ERROR(read_image(*document, options.image));
    if (const char* directory = std::getenv("HOPYARD_CAPTURE_CLIENT"))
        options.capture_directory = directory;
    return config;
}

Result<std::string> federated_token_file() {
    const char* file = std::getenv("AZURE_FEDERATED_TOKEN_FILE");
    if (file != nullptr && *file != '\0') return std::string(file);
    return refuse("/signIn",
                  "workload_identity_absent",
                  "the control plane does not run with a workload identity: "
                  "AZURE_FEDERATED_TOKEN_FILE names no file",
                  "Sign in by client_secret or managed_identity, or run it with one.");
}

Result<Config> load_config(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0)
        return pass(Error{.kind = ErrorKind::not_found,
                          .code = "cloud_config_missing",
                          .message = fmt::format("The cloud connection {} does not exist.", path),
                          .owner = Owner::administrator,
                          .next_action = "Write it, or start the local cloud, which writes one."});
    ASSIGN_OR_RETURN(const std::string text, read_file("", path));
    auto config = parse_config(text);
    if (!config) return with_context(path, config.error());
    if ((facts.st_mode & S_IRWXO) != 0 && !config->options.credentials.client_secret.empty())
        return pass(
            Error{.kind = ErrorKind::invalid_argument,
                  .code = "cloud_config_exposed",
                  .message = fmt::format("{} holds a secret and everybody may read it.", path),
                  .field = "/clientSecret",
                  .owner = Owner::administrator,
                  .next_action = "Restrict it: chmod 600."});
    return config;
}

}  // namespace hopyard::azure
