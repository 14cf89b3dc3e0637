// A real Kubernetes API server and its etcd in one program, for tests.
//
//	kubernetes etcd FOLDER CLIENT-PORT PEER-PORT
//	kubernetes apiserver FLAGS…
package main

import (
	"fmt"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func etcd(folder, port, peer string) error {
	at := func(port string) []url.URL { return []url.URL{{Scheme: "http", Host: "127.0.0.1:" + port}} }
	config := embed.NewConfig()
	config.Dir, config.LogLevel, config.UnsafeNoFsync = folder, "warn", true
	config.ListenClientUrls, config.AdvertiseClientUrls = at(port), at(port)
	config.ListenPeerUrls, config.AdvertisePeerUrls = at(peer), at(peer)
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	return <-server.Err()
}

func main() {
	switch {
	case len(os.Args) == 5 && os.Args[1] == "etcd":
		fmt.Fprintln(os.Stderr, etcd(os.Args[2], os.Args[3], os.Args[4]))
		os.Exit(1)
	case len(os.Args) > 1 && os.Args[1] == "apiserver":
		os.Args = append([]string{"kube-apiserver"}, os.Args[2:]...)
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	}
	fmt.Fprintln(os.Stderr, "usage: kubernetes etcd FOLDER CLIENT-PORT PEER-PORT | kubernetes apiserver FLAGS…")
	os.Exit(2)
}
