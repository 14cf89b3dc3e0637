import { definePlugin, page, snapshotComplete, upsert } from "@seawall/sdk";

interface Config {
  make: number;
  prefix: string;
}

/** The same items as bench-rust and bench-python make. */
function made(prefix: string, n: number) {
  const name = `${prefix}-${String(n).padStart(5, "0")}`;
  return {
    id: n,
    full_name: `acme/${name}`,
    name,
    html_url: `https://git.example.com/acme/${name}`,
    language: ["Rust", "Go", "Java", "Python"][n % 4],
    stargazers_count: (n * 7) % 1000,
    archived: n % 10 === 0,
    topics: [`topic-${n % 30}`, "x-core", "pci"],
    created_at: "2023-11-28T09:15:22Z",
    updated_at: "2024-01-02T03:04:05Z",
    license: { spdx_id: "Apache-2.0" },
    owner: { login: `team-${n % 50}`, id: n % 50, url: "https://git.example.com/acme", admin: false },
    custom: { tier: ["gold", "silver", "bronze"][n % 3], system: `system-${n % 200}`, cost: n / 4 },
    default_branch: "main",
    size: n * 13,
    permissions: { pull: true, push: true, admin: false },
    forks: 3,
    open_issues: 12,
    description: `Repository ${n} keeps orders and answers for them. `.repeat(10),
  };
}

export default definePlugin<Config>({
  ingestor: {
    partitions: () => ["all"],
    pull({ config, kind }) {
      const changes = [];
      for (let n = 0; n < config.make; n++) {
        const item = made(config.prefix, n);
        changes.push(upsert(kind, item.full_name, item));
      }
      return page(changes, snapshotComplete());
    },
  },
});
