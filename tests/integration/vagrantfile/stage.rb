# Loads a rendered Vagrantfile without Vagrant, and plays one moment of it.
#
# Standard input: JSON with
#   vagrantfile  path
#   provider     "virtualbox", "libvirt" or "docker"
#   machine      name of the machine (play only)
#   moment       "before up", "after destroy", ... (play only)
#   state        of the machine, "poweroff" if not given (play only)
#   data         path of .vagrant (play only)
#   windows      whether the computer is one, false if not given
#   uname        {sysname: ..., machine: ..., version: ...} of the computer, this one's if not given
#   files        paths that are taken for files, as the computer has them if not given
#   active       [[machine, provider], ...]: machines that exist (play only)
#   dialogue     [[argument list, output or null for an error], ...]: what VBoxManage is asked, in order (play only);
#                U+FFFD stands for a byte that is not UTF-8, and Ctrl-C is pressed while it says U+0003
# Standard output: JSON with the configuration of every machine, or with what was said and the error that stopped it.
#
# Anything that Vagrant does not know, and any question to VBoxManage that is not the next one, ends this with an error.
require "etc"
require "json"
require "pathname"

module Vagrant
  module Errors
    class VagrantError < StandardError
      def self.error_message(text) = define_method(:message) { text }
    end

    class VBoxManageError < VagrantError
      error_message "VBoxManage failed"
    end
  end

  module Util
    module Platform
      class << self
        attr_accessor :windows
        alias windows? windows
      end
    end

    class Busy
      class << self
        attr_reader :interrupt

        def busy(interrupt)
          @interrupt = interrupt
          yield
        ensure
          @interrupt = nil
        end
      end
    end
  end

  class << self
    attr_accessor :machines

    def require_version(wanted)
      raise "not a version: #{wanted}" unless wanted.match?(/\A>= \d+(\.\d+)+\z/)
    end

    def configure(version)
      raise "not a version of the configuration: #{version}" unless version == "2"
      yield Config.new
    end
  end
end

# Takes what is set on it, if its name is known.
class Settings
  attr_reader :taken, :calls

  def initialize(setters, verbs)
    @setters, @verbs, @taken, @calls = setters, verbs, {}, []
  end

  def method_missing(name, *arguments, **options)
    key = name.to_s
    if key.end_with?("=") && @setters.include?(key.chomp("="))
      @taken[key.chomp("=")] = arguments.fetch(0)
    elsif @verbs.include?(key)
      @calls << [key, *arguments, options]
    else
      raise NoMethodError, "Vagrant knows no #{name}"
    end
  end

  def respond_to_missing?(*) = true
end

class Trigger
  attr_accessor :name
  attr_reader :block

  def ruby(&block) = @block = block
end

class Triggers
  attr_reader :moments

  def initialize = @moments = Hash.new { |all, moment| all[moment] = [] }

  [:before, :after].each do |stage|
    define_method(stage) do |*actions, &block|
      actions.flatten.each do |action|
        @moments["#{stage} #{action}"] << Trigger.new.tap { |trigger| block.call(trigger) }
      end
    end
  end
end

VM = %w[box box_version box_url boot_timeout box_check_update].freeze
PROVIDER = {
  "virtualbox" => [%w[name memory cpus linked_clone check_guest_additions], %w[customize]],
  "libvirt" => [%w[driver default_prefix memory cpus graphics_type memballoon_enabled management_network_name
                   management_network_address cpu_mode cpu_model machine_type loader features inputs],
                %w[random cpu_feature]],
  "docker" => [%w[image has_ssh], []],
}.freeze

# What stands in for a machine's configuration, and for what a provider overrides of it.
class Config
  attr_reader :vm, :ssh, :trigger

  def initialize
    @trigger = Triggers.new
    @ssh = Settings.new(%w[insert_key private_key_path], [])
    @vm = Class.new(Settings) do
      def define(name, &block)
        raise "#{name} twice" if Vagrant.machines.key?(name)
        Vagrant.machines[name] = Config.new.tap { |config| block.call(config) }
      end

      def provider(name, &block)
        (@providers ||= {})[name] = [Settings.new(*PROVIDER.fetch(name)), Config.new].tap { |both| block.call(*both) }
      end

      def providers = @providers || {}
    end.new(VM, %w[network synced_folder])
  end
end

# Answers from the dialogue, in order.
class Driver
  def initialize(dialogue) = @dialogue = dialogue

  # As in Vagrant, `retryable` is no argument of VBoxManage's.
  def execute(*argv, retryable: false)
    asked, answer = @dialogue.shift
    abort "VBoxManage was asked #{argv.inspect}, expected was #{asked.inspect}" unless argv == asked
    raise Vagrant::Errors::VBoxManageError if answer.nil?
    Vagrant::Util::Busy.interrupt.call if answer.include?("\u{3}")
    answer.delete("\u{3}").gsub("\u{fffd}", "\xB0")
  end

  def done? = @dialogue.empty?
end

Environment = Struct.new(:local_data_path, :active_machines)
Machine = Struct.new(:name, :provider, :ui, :data_dir, :id, :state)
State = Struct.new(:id)
Provider = Struct.new(:driver)

class Ui
  attr_reader :said

  def initialize = @said = []

  def info(text) = @said << text

  alias warn info
end

def configured(provider)
  Vagrant.machines.transform_values do |config|
    own, override = config.vm.providers.fetch(provider)
    { settings: own.taken, calls: own.calls, vm: override.vm.taken, vm_calls: override.vm.calls, ssh: override.ssh.taken,
      moments: override.trigger.moments.keys, everywhere: config.trigger.moments.keys }
  end
end

def played(play)
  driver = Driver.new(play["dialogue"])
  ui = Ui.new
  config = Vagrant.machines.fetch(play["machine"])
  _, override = config.vm.providers.fetch(play["provider"])
  triggers = [override, config].flat_map { |set| set.trigger.moments.fetch(play["moment"], []) }
  abort "nothing happens #{play["moment"]}" if triggers.empty?
  environment = Environment.new(Pathname.new(play["data"]), play["active"].map { |pair| pair.map(&:to_sym) })
  machine = Machine.new(play["machine"].to_sym, Provider.new(driver), ui, Pathname.new(play["data"]), "its-id",
                        State.new(play.fetch("state", "poweroff").to_sym))
  error = nil
  begin
    triggers.each { |trigger| trigger.block.call(environment, machine) }
  rescue Vagrant::Errors::VagrantError => why
    error = why.message
  end
  abort "VBoxManage was not asked all that was expected" unless driver.done?
  { said: ui.said, error: error }
end

play = JSON.parse($stdin.read)
uname = play["uname"]
Etc.define_singleton_method(:uname) { uname.transform_keys(&:to_sym) } if uname
files = play["files"]
File.define_singleton_method(:file?) { |path| files.include?(path.to_s) } if files
Vagrant::Util::Platform.windows = play.fetch("windows", false)
Vagrant.machines = {}
load play["vagrantfile"]
puts JSON.generate(play.key?("moment") ? played(play) : configured(play["provider"]))
