#include "apps/installation.h"

namespace hopyard::apps {
namespace {

constexpr const char* id_setting = "installation-id";
constexpr const char* certificate_setting = "installation-authority";
constexpr const char* key_secret = "installation/authority-key";
constexpr Seconds authority_validity{20LL * 365 * 24 * 3600};

Result<Installation> read_or_keep(store::Transaction& t, const Installation& made) {
    ASSIGN_OR_RETURN(auto id, t.setting(id_setting));
    ASSIGN_OR_RETURN(auto certificate, t.setting(certificate_setting));
    ASSIGN_OR_RETURN(auto key, t.secret(key_secret));
    if (id && certificate && key)
        return Installation{
            .id = InstallationId(*id),
            .authority = {.private_key_pem = *key, .certificate_pem = *certificate}};
    RETURN_IF_ERROR(t.put_setting(id_setting, made.id.value));
    RETURN_IF_ERROR(t.put_setting(certificate_setting, made.authority.certificate_pem));
    RETURN_IF_ERROR(t.put_secret(key_secret, made.authority.private_key_pem));
    return made;
}

}  // namespace

Result<Installation> load_installation(store::Store& store, const Clock& clock, Random& random) {
    const Installation made{
        .id = InstallationId(random_uuid(random)),
        .authority = http::make_authority("Hopyard installation", clock.now(), authority_validity)};
    Installation installation;
    const auto kept = store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(installation, read_or_keep(t, made));
        return {};
    });
    if (!kept) return pass(kept.error());
    return installation;
}

}  // namespace hopyard::apps
