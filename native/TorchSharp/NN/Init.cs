using System;
using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Initialisations, drawn in PyTorch's order: the same seed gives the same numbers.</summary>
        public static class init
        {
            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3.0,
                NonlinearityType.ReLU => Math.Sqrt(2),
                NonlinearityType.LeakyReLU => Math.Sqrt(2 / (1 + (param * param))),
                _ => 1,
            };

            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                if (tensor.ndim < 2)
                {
                    throw new ArgumentException($"The tensor has {tensor.ndim} dimensions; fan-in and fan-out need at least two.", nameof(tensor));
                }

                long rows = tensor.size(0);
                long columns = tensor.size(1);
                long field = 1;
                for (int i = 2; i < tensor.ndim; i++)
                {
                    field *= tensor.size(i);
                }

                return (columns * field, rows * field);
            }

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator generator = null) =>
                Fill(tensor, target => target.uniform_(low, high, generator));

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator generator = null) =>
                Fill(tensor, target => target.normal_(mean, std, generator));

            public static Tensor constant_(Tensor tensor, Scalar val) => Fill(tensor, target => target.fill_(val));

            public static Tensor ones_(Tensor tensor) => Fill(tensor, target => target.fill_(1));

            public static Tensor zeros_(Tensor tensor) => Fill(tensor, target => target.zero_());

            public static Tensor eye_(Tensor tensor)
            {
                if (tensor.ndim != 2)
                {
                    throw new ArgumentException($"The tensor has {tensor.ndim} dimensions; an identity matrix has two.", nameof(tensor));
                }

                return Fill(tensor, target => target.zero_().diagonal().fill_(1));
            }

            /// <summary>A normal distribution cut off outside [a, b], by the inverse of its distribution function.</summary>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0, double std = 1, double a = -2, double b = 2, Generator generator = null)
            {
                double low = NormalDistribution((a - mean) / std);
                double high = NormalDistribution((b - mean) / std);
                return Fill(tensor, target =>
                {
                    target.uniform_((2 * low) - 1, (2 * high) - 1, generator);
                    target.erfinv_();
                    target.mul_(std * Math.Sqrt(2));
                    target.add_(mean);
                    target.clamp_(a, b);
                });
            }

            public static Tensor kaiming_uniform_(
                Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                double bound = Math.Sqrt(3) * KaimingStd(tensor, a, mode, nonlinearity);
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor kaiming_normal_(
                Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, KaimingStd(tensor, a, mode, nonlinearity));

            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1)
            {
                double bound = Math.Sqrt(3) * XavierStd(tensor, gain);
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>As in TorchSharp, and unlike PyTorch, the uniform distribution of that standard deviation.</summary>
            public static Tensor xavier_normal_(Tensor tensor, double gain = 1) => xavier_uniform_(tensor, gain);

            public static Tensor glorot_uniform_(Tensor tensor, double gain = 1) => xavier_uniform_(tensor, gain);

            public static Tensor glorot_normal_(Tensor tensor, double gain = 1) => xavier_normal_(tensor, gain);

            // Without a graph: a parameter is a leaf that requires a gradient.
            private static Tensor Fill(Tensor tensor, Action<Tensor> fill)
            {
                using IDisposable noGrad = no_grad();
                using DisposeScope scope = NewDisposeScope();
                fill(tensor);
                return tensor;
            }

            private static double KaimingStd(Tensor tensor, double a, FanInOut mode, NonlinearityType nonlinearity)
            {
                (long fanIn, long fanOut) = NativeFans(tensor);
                return calculate_gain(nonlinearity, a) / Math.Sqrt(mode == FanInOut.FanIn ? fanIn : fanOut);
            }

            private static double XavierStd(Tensor tensor, double gain)
            {
                (long fanIn, long fanOut) = NativeFans(tensor);
                return gain * Math.Sqrt(2.0 / (fanIn + fanOut));
            }

            // These initialisations are native code in TorchSharp, and so is their error.
            private static (long FanIn, long FanOut) NativeFans(Tensor tensor) => tensor.ndim >= 2
                ? CalculateFanInAndFanOut(tensor)
                : throw new ExternalException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");

            private static double NormalDistribution(double x)
            {
                using Tensor at = tensor(x / Math.Sqrt(2), ScalarType.Float64);
                using Tensor erf = at.erf();
                return (1 + erf.item<double>()) / 2;
            }
        }
    }
}
