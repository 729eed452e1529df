#include "cloud/one_cloud.h"

namespace hopyard::cloud {
namespace {

class NoPreparation final : public Preparation {
  public:
    Result<Made> register_providers() override { return refused(); }
    Result<Made> ensure_group(const std::string&, const std::string&) override { return refused(); }
    Result<Made> ensure_ssh_key(const std::string&,
                                const std::string&,
                                const std::string&,
                                const std::string&) override {
        return refused();
    }
    Result<Made> ensure_identity(const std::string&,
                                 const std::string&,
                                 const std::string&) override {
        return refused();
    }
    Result<Made> ensure_account(const std::string&,
                                const std::string&,
                                const std::string&) override {
        return refused();
    }
    Result<Made> ensure_storage_role(const std::string&,
                                     const std::string&,
                                     const std::string&) override {
        return refused();
    }

  private:
    static Failure refused() {
        return fail(ErrorKind::unavailable, "feature_unavailable", "nothing is prepared here");
    }
};

/// The rights in the words of `needed`, one a line.
class PlainRoles final : public RoleWriter {
  public:
    explicit PlainRoles(const NeededRights& needed) : needed_(needed) {}
    RoleText write(const RoleRequest& request) const override {
        RoleText text;
        for (const NeededRight& right : rights_for(needed_, request.features))
            text.definition += right.action + "\n";
        for (const std::string& group : request.groups)
            text.commands.push_back("grant " + request.name + " in " + group);
        return text;
    }

  private:
    const NeededRights& needed_;
};

/// With what a connection needs and nobody gave.
struct Whole {
    Whole(Catalog& catalog, Storage& storage, const NeededRights& needed, Preparation* preparation)
        : roles(needed),
          connected{.catalog = catalog,
                    .storage = storage,
                    .preparation = preparation != nullptr ? *preparation : nothing,
                    .roles = roles,
                    .needed = needed} {}
    NoPreparation nothing;
    PlainRoles roles;
    Connected connected;
};

}  // namespace

OneCloud::OneCloud(Catalog& catalog,
                   Storage& storage,
                   NeededRights needed,
                   Preparation* preparation)
    : needed_(std::move(needed)) {
    const auto whole = std::make_shared<Whole>(catalog, storage, needed_, preparation);
    connected_ = std::shared_ptr<const Connected>(whole, &whole->connected);
}

Result<std::shared_ptr<const Connected>> OneCloud::of(const OrganisationId& organisation,
                                                      const std::string& account) {
    const auto key = model::cloud_account_key(organisation, account);
    if (key == model::CloudAccountKey() || accounts.contains(key)) return connected_;
    return no_such_cloud_account(account);
}

Result<std::shared_ptr<const Connected>> OneCloud::connect(const model::CloudAccount&,
                                                           const Secret&) {
    return connected_;
}

}  // namespace hopyard::cloud
