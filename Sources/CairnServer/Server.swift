internal import Hummingbird
internal import HummingbirdTLS
internal import AsyncHTTPClient
package enum Server {}
