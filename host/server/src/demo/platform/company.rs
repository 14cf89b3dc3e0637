//! The sample company: `shop` sells things online, with 60 services of eight teams. All of it is made up.

/// A service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) team: &'static str,
    pub(super) language: &'static str,
    /// 1 is what the shop stands still without.
    pub(super) tier: u8,
    pub(super) about: &'static str,
    /// Other services that it calls.
    pub(super) calls: &'static [&'static str],
}

/// The teams, with what each is for.
pub(super) const TEAMS: [(&str, &str); 8] = [
    ("storefront", "What customers see first"),
    ("checkout", "From the cart to the order"),
    ("payments", "Money in and out"),
    ("assortment", "What is for sale, and for how much"),
    ("fulfilment", "From the order to the door"),
    ("identity", "Who customers are, and what they may"),
    ("data", "Events, reports and models"),
    ("platform", "What all other teams build on"),
];

type Row = (&'static str, &'static str, u8, &'static str, &'static [&'static str]);

const STOREFRONT: &[Row] = &[
    (
        "web-store",
        "typescript",
        1,
        "Renders the shop's pages",
        &["search", "products", "cart", "login"],
    ),
    (
        "mobile-bff",
        "kotlin",
        1,
        "The apps' own API",
        &["search", "products", "cart", "sessions"],
    ),
    (
        "search",
        "java",
        1,
        "Finds products by words and filters",
        &["products", "taxonomy"],
    ),
    (
        "recommendations",
        "python",
        2,
        "Suggests what goes with a product",
        &["feature-store", "products"],
    ),
    (
        "reviews",
        "ruby",
        3,
        "Customers' opinions of products",
        &["products", "accounts"],
    ),
    (
        "wishlist",
        "go",
        3,
        "Products that customers keep for later",
        &["products", "accounts"],
    ),
    (
        "landing-pages",
        "typescript",
        3,
        "Campaign pages that marketing writes",
        &["media", "products"],
    ),
    ("seo-sitemaps", "go", 4, "Sitemaps for search engines", &["products"]),
];

const CHECKOUT: &[Row] = &[
    (
        "cart",
        "go",
        1,
        "What a customer is about to buy",
        &["products", "pricing", "inventory"],
    ),
    (
        "checkout",
        "java",
        1,
        "Turns a cart into an order",
        &["cart", "payments", "orders", "tax", "delivery-slots"],
    ),
    (
        "promotions",
        "kotlin",
        2,
        "Vouchers and discounts",
        &["pricing", "cart"],
    ),
    ("gift-cards", "java", 3, "Sells and redeems gift cards", &["ledger"]),
    ("tax", "go", 1, "Sales tax of a cart by country", &[]),
    (
        "order-confirmation",
        "typescript",
        2,
        "The page and the mail after an order",
        &["orders", "email"],
    ),
    (
        "abandoned-carts",
        "python",
        4,
        "Reminds customers of carts that they left",
        &["cart", "email"],
    ),
];

const PAYMENTS: &[Row] = &[
    (
        "payments",
        "java",
        1,
        "Takes a payment and remembers it",
        &["payment-gateway", "fraud-check", "ledger"],
    ),
    ("payment-gateway", "go", 1, "Talks to card schemes and wallets", &[]),
    ("refunds", "java", 2, "Gives money back", &["payments", "ledger"]),
    (
        "fraud-check",
        "python",
        1,
        "Scores a payment before it is taken",
        &["feature-store"],
    ),
    ("ledger", "java", 1, "Books every movement of money twice", &[]),
    (
        "invoicing",
        "kotlin",
        2,
        "Writes invoices",
        &["orders", "ledger", "tax"],
    ),
    ("payouts", "java", 2, "Pays marketplace sellers", &["ledger"]),
];

const ASSORTMENT: &[Row] = &[
    (
        "products",
        "go",
        1,
        "The products and their texts",
        &["taxonomy", "media"],
    ),
    ("pricing", "kotlin", 1, "What a product costs now", &["products"]),
    ("inventory", "go", 1, "How many there are, and where", &["warehouse"]),
    ("media", "rust", 2, "Pictures and videos of products", &["image-proxy"]),
    (
        "product-import",
        "python",
        3,
        "Reads suppliers' price lists",
        &["products", "scheduler"],
    ),
    ("taxonomy", "go", 2, "Categories and attributes", &[]),
    ("price-history", "kotlin", 3, "What a product cost before", &["pricing"]),
    (
        "stock-alerts",
        "go",
        4,
        "Tells customers what is back",
        &["inventory", "email"],
    ),
];

const FULFILMENT: &[Row] = &[
    (
        "orders",
        "java",
        1,
        "Orders from placed to delivered",
        &["inventory", "events"],
    ),
    ("shipping", "go", 1, "Plans parcels", &["carrier-gateway", "warehouse"]),
    ("warehouse", "java", 1, "What lies where, and who picks it", &[]),
    ("returns", "ruby", 2, "Takes things back", &["orders", "refunds"]),
    ("carrier-gateway", "go", 2, "Talks to parcel carriers", &[]),
    (
        "tracking",
        "typescript",
        3,
        "Where a parcel is",
        &["carrier-gateway", "orders"],
    ),
    ("delivery-slots", "kotlin", 2, "When a parcel can come", &["shipping"]),
    (
        "label-printer",
        "go",
        3,
        "Prints labels in the warehouses",
        &["shipping"],
    ),
];

const IDENTITY: &[Row] = &[
    ("accounts", "java", 1, "Customers' accounts", &["audit-log"]),
    ("login", "go", 1, "Signs customers in", &["accounts", "sessions"]),
    ("sessions", "rust", 1, "Who is signed in", &[]),
    ("permissions", "go", 2, "What staff may do", &["accounts"]),
    (
        "customer-profile",
        "kotlin",
        2,
        "Names, sizes and preferences",
        &["accounts", "consent"],
    ),
    ("consent", "typescript", 2, "What customers agreed to", &["accounts"]),
    ("address-book", "kotlin", 3, "Where customers live", &["accounts"]),
];

const DATA: &[Row] = &[
    ("events", "java", 1, "The stream of what happened", &[]),
    (
        "clickstream",
        "rust",
        3,
        "What customers look at",
        &["events", "consent"],
    ),
    (
        "warehouse-export",
        "python",
        3,
        "Copies events into the data warehouse",
        &["events"],
    ),
    (
        "reports",
        "python",
        3,
        "The morning's figures",
        &["warehouse-export", "scheduler"],
    ),
    ("experiments", "python", 2, "Who sees which variant", &["events"]),
    ("feature-store", "python", 2, "Inputs for models", &["events"]),
    (
        "forecasts",
        "python",
        4,
        "How much will be sold",
        &["feature-store", "orders"],
    ),
];

const PLATFORM: &[Row] = &[
    ("api-gateway", "rust", 1, "The one way in", &["sessions", "config"]),
    ("config", "go", 1, "Settings of all services", &[]),
    (
        "notifications",
        "typescript",
        2,
        "Sends by mail, text or push",
        &["email", "sms"],
    ),
    ("email", "go", 2, "Sends mail", &[]),
    ("sms", "go", 3, "Sends texts", &[]),
    ("audit-log", "rust", 1, "Who did what", &["events"]),
    ("scheduler", "go", 2, "Starts jobs by the clock", &[]),
    ("image-proxy", "rust", 2, "Resizes pictures", &[]),
];

/// All services, team by team.
pub(super) fn services() -> impl Iterator<Item = Service> {
    let rows = [
        STOREFRONT, CHECKOUT, PAYMENTS, ASSORTMENT, FULFILMENT, IDENTITY, DATA, PLATFORM,
    ];
    TEAMS.iter().zip(rows).flat_map(|((team, _), rows)| {
        rows.iter().map(|&(name, language, tier, about, calls)| Service {
            name,
            team,
            language,
            tier,
            about,
            calls,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn services_have_names_of_their_own_and_call_services_that_exist() {
        let names: HashSet<_> = services().map(|service| service.name).collect();
        assert_eq!((names.len(), services().count()), (60, 60));
        for service in services() {
            for called in service.calls {
                assert!(
                    names.contains(called) && *called != service.name,
                    "{} calls {called}",
                    service.name
                );
            }
        }
    }
}
