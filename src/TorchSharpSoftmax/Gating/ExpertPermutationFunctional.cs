using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>How the rows of tokens are grouped by expert, and come back: a counting sort of the assignments.</summary>
        /// <remarks>
        /// <para>Without a capacity nothing is dropped. With one, an expert takes at most so many rows: first choices before second ones and the tokens in their order, or by
        /// falling <paramref name="priority"/> (batch-prioritized routing), of equal ones in the order of the slots. <c>drop_rate</c> says how much that cost.</para>
        /// <para>The sort runs on the host: indices of another device are copied there, and the result back.</para>
        /// </remarks>
        /// <param name="indices">The expert of each choice, [..., k] (Int64), -1 where a slot is not used.</param>
        /// <param name="num_experts">E.</param>
        /// <param name="capacity">Rows per expert, 1 or more; null for no limit.</param>
        /// <param name="priority">A number per choice, of the indices' shape and a floating dtype, the weights for instance; beside a capacity, or null.</param>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype or shape that does not fit; a priority is given without a capacity.</exception>
        /// <exception cref="ArgumentOutOfRangeException">An index is none of the experts, or a number outside its range.</exception>
        public static ExpertPermutation expert_permutation(Tensor indices, long num_experts, long? capacity = null, Tensor? priority = null)
        {
            Check.Alive(indices, nameof(indices));
            Check.Dtype(indices, ScalarType.Int64, nameof(indices));
            RoutingArguments.Experts(num_experts);
            if (indices.ndim == 0 || indices.size((int)indices.ndim - 1) == 0)
            {
                throw new ArgumentException($"'{nameof(indices)}' has shape {Check.Text(indices.shape)}; [..., k] with k of 1 or more is required.", nameof(indices));
            }

            if (capacity is { } limit)
            {
                RoutingArguments.AtLeastOne(limit, nameof(capacity));
            }

            if (priority is not null)
            {
                Check.DenseFloating(priority, nameof(priority));
                Check.Shape(priority, indices, nameof(priority));
                if (capacity is null)
                {
                    throw new ArgumentException($"'{nameof(priority)}' is given without '{nameof(capacity)}', where nothing is dropped; both, or neither, is required.", nameof(priority));
                }
            }

            double[]? priorities = priority is null ? null : ElementAccess.Values(priority);
            var host = indices.device_type == DeviceType.CPU ? indices : indices.cpu();
            var read = Memory.Contiguous(host);
            try
            {
                return new(ExpertPermutationPlan.Of(read, num_experts, capacity, priorities), indices.shape[..^1], indices.device);
            }
            finally
            {
                Memory.Release(read, host);
                Memory.Release(host, indices);
            }
        }
    }
}
