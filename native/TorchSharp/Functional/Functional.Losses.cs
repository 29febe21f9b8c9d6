using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Losses.</summary>
        public static partial class functional
        {
            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Call("binary_cross_entropy", input, target, weight, (long)reduction);

            public static Tensor binary_cross_entropy_with_logits(
                Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean, Tensor pos_weights = null) =>
                Call("binary_cross_entropy_with_logits", input, target, weight, pos_weights, (long)reduction);

            public static Tensor cosine_embedding_loss(
                Tensor input1, Tensor input2, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                Call("cosine_embedding_loss", input1, input2, target, margin, (long)reduction);

            public static Tensor cross_entropy(
                Tensor input, Tensor target, Tensor weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0) =>
                Call("cross_entropy_loss", input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor hinge_embedding_loss(Tensor input, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                Call("hinge_embedding_loss", input, target, margin, (long)reduction);

            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1, Reduction reduction = Reduction.Mean) =>
                Call("huber_loss", input, target, (long)reduction, delta);

            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Call("kl_div", input, target, (long)reduction, log_target);

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Call("l1_loss", input, target, (long)reduction);

            public static Tensor margin_ranking_loss(
                Tensor input1, Tensor input2, Tensor target, double margin = 0, Reduction reduction = Reduction.Mean) =>
                Call("margin_ranking_loss", input1, input2, target, margin, (long)reduction);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Call("mse_loss", input, target, (long)reduction);

            public static Tensor multi_label_margin_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Call("multilabel_margin_loss", input, target, (long)reduction);

            public static Tensor multi_margin_loss(
                Tensor input, Tensor target, int p = 1, double margin = 1, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Call("multi_margin_loss", input, target, p, margin, weight, (long)reduction);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Call("nll_loss_nd", input, target, weight, (long)reduction);

            public static Tensor poisson_nll_loss(
                Tensor input, Tensor target, bool log_input = true, bool full = false, float eps = 1E-08f, Reduction reduction = Reduction.Mean) =>
                Call("poisson_nll_loss", input, target, log_input, full, eps, (long)reduction);

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1) =>
                Call("smooth_l1_loss", input, target, (long)reduction, beta);

            public static Tensor soft_margin_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Call("soft_margin_loss", input, target, (long)reduction);

            public static Tensor triplet_margin_loss(
                Tensor anchor, Tensor positive, Tensor negative, double margin = 1, long p = 2, double eps = 1E-06, bool swap = false, Reduction reduction = Reduction.Mean) =>
                Call("triplet_margin_loss", anchor, positive, negative, margin, p, eps, swap, (long)reduction);
        }
    }
}
