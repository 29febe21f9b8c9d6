using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary><c>y = s(x) / sum(s(x))</c> along a dim, with s(x) = x + 1 for x &gt;= 0 and 1 / (1 - x) for x &lt; 0.</summary>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
        /// <param name="dtype">The dtype to cast the input to first; null keeps its own.</param>
        public static Tensor stablemax(Tensor input, long dim = -1, ScalarType? dtype = null)
        {
            Check.Alive(input, nameof(input));
            using var x = input.to_type(dtype ?? input.dtype);
            using var g = StableMaxComposed.Logarithm(x);
            return g.softmax(Check.Dim(input, dim));
        }

        /// <summary><c>y = log(stablemax(x))</c> along a dim.</summary>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
        /// <param name="dtype">The dtype to cast the input to first; null keeps its own.</param>
        public static Tensor log_stablemax(Tensor input, long dim = -1, ScalarType? dtype = null)
        {
            Check.Alive(input, nameof(input));
            using var x = input.to_type(dtype ?? input.dtype);
            using var g = StableMaxComposed.Logarithm(x);
            return g.log_softmax(Check.Dim(input, dim));
        }
    }
}
