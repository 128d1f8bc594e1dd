"""Networks: an encoder and a decoder each, with the linear path that starts at PCA."""
