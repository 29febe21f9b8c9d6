using System;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>What layers compute, without their state.</summary>
        public static partial class functional
        {
            public static Tensor alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false) =>
                inplace ? Call("alpha_dropout_", input, p, training) : Call("alpha_dropout", input, p, training);

            public static Tensor batch_norm(
                Tensor input, Tensor running_mean, Tensor running_var, Tensor weight = null, Tensor bias = null, bool training = false, double momentum = 0.1, double eps = 1E-05) =>
                Call("batch_norm", input, weight, bias, running_mean, running_var, training, momentum, eps, true);

            public static Tensor bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor bias = null) =>
                Call("bilinear", input1, input2, weight, bias);

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1E-08) =>
                Call("cosine_similarity", x1, x2, dim, eps);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Call("dropout_", input, p, training) : Call("dropout", input, p, training);

            public static Tensor feature_alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false) =>
                inplace ? Call("feature_alpha_dropout_", input, p, training) : Call("feature_alpha_dropout", input, p, training);

            public static Tensor group_norm(Tensor input, long num_groups, Tensor weight = null, Tensor bias = null, double eps = 1E-05) =>
                Call("group_norm", input, num_groups, weight, bias, eps);

            public static Tensor instance_norm(
                Tensor input, Tensor running_mean = null, Tensor running_var = null, Tensor weight = null, Tensor bias = null, bool use_input_stats = true, double momentum = 0.1, double eps = 1E-05) =>
                Call("instance_norm", input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, true);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor weight = null, Tensor bias = null, double eps = 1E-05) =>
                Call("layer_norm", input, normalized_shape, weight, bias, eps);

            public static Tensor linear(Tensor input, Tensor weights, Tensor bias = null) => Call("linear", input, weights, bias);

            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1E-12) =>
                input.div(Call("norm.ScalarOpt_dim", input, p, dim, true).clamp_min(eps));

            public static Tensor one_hot(Tensor x, long num_classes = -1) =>
                x.dtype == ScalarType.Int64
                    ? Call("one_hot", x, num_classes)
                    : throw new ArgumentException("OneHot input tensor must have elements of type Int64");

            public static Tensor pairwise_distance(Tensor input1, Tensor input2, double p = 2, double eps = 1E-06, bool keepdim = false) =>
                Call("pairwise_distance", input1, input2, p, eps, keepdim);

            public static Tensor pixel_shuffle(Tensor input, long upscale_factor) => Call("pixel_shuffle", input, upscale_factor);
            public static Tensor pixel_unshuffle(Tensor input, long downscale_factor) => Call("pixel_unshuffle", input, downscale_factor);

            public static Tensor scaled_dot_product_attention(
                Tensor query, Tensor key, Tensor value, Tensor attn_mask = null, double p = 0, bool is_casual = false) =>
                Attention(query, key, value, attn_mask, p, is_casual);

            /// <summary>libtorch 1.13 has no public operator for it yet.</summary>
            private static Tensor Attention(Tensor query, Tensor key, Tensor value, Tensor mask, double p, bool causal)
            {
                if (p < 0) throw new ArgumentException("Dropout probability must be greater than or equal to zero.");
                if (causal && mask is not null) throw new ArgumentException("Casual attention masking cannot pass a mask.");
                using var scope = NewDisposeScope();
                var scores = query.matmul(key.transpose(-2, -1)).mul(1.0 / Math.Sqrt(query.size(-1)));
                if (causal) mask = ones(query.size(-2), key.size(-2), dtype: ScalarType.Bool, device: query.device).tril();
                if (mask is not null && mask.dtype == ScalarType.Bool) scores = scores.masked_fill(mask.logical_not(), double.NegativeInfinity);
                else if (mask is not null) scores = scores.add(mask);
                return dropout(scores.softmax(-1), p).matmul(value).MoveToOuterDisposeScope();
            }
        }
    }
}
